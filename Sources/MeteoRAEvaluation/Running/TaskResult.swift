import MeteoRA

/// How a model does on a test set.
public struct TaskResult: Sendable, Equatable {
  /// The name of the task.
  public let task: String
  /// How answers were scored, and how long they could be.
  public let description: TaskDescription
  /// What computed the linear modules.
  public let mode: EvaluationMode
  /// In the order of the file.
  public let answers: [ScoredAnswer]
  /// Of whole answers.
  public let accuracy: Accuracy
  /// Of the items of all composites together; `nil` if the set has none.
  public let items: Accuracy?

  init(
    of set: TestSet, mode: EvaluationMode, answers: [ScoredAnswer]
  ) throws(EvaluationError) {
    do throws(AccuracyError) {
      accuracy = try Accuracy(answers.map(\.isCorrect))
      let items = answers.flatMap(\.items)
      self.items = items.isEmpty ? nil : try Accuracy(items)
    } catch {
      throw .accuracy(error)
    }
    task = set.task
    description = set.description
    self.mode = mode
    self.answers = answers
  }
}

extension Sequence<TaskResult> {
  /// The mean of the accuracies of tasks, each task counting the same; composites do not count.
  ///
  /// `nil` without such a task.
  public var averageRate: Double? {
    let rates = filter { $0.items == nil }.map(\.accuracy.rate)
    return rates.isEmpty ? nil : rates.reduce(0, +) / Double(rates.count)
  }
}
