import MeteoRA
import MeteoRATraining

/// What a model answered to a sample, and how good that is.
public struct ScoredAnswer: Sendable, Equatable {
  /// The request.
  public let prompt: String
  /// The answer that is expected.
  public let reference: String
  /// The answer.
  public let response: String
  /// Why the answer ended.
  public let finishReason: FinishReason
  /// Whether the whole answer is right, by the metric of the task.
  public let isCorrect: Bool
  /// Of a composite, for each item whether it is right; empty for any other sample.
  public let items: [Bool]

  /// The share of items that are right; without items 1 for a right answer and 0 for a wrong one.
  public var score: Double {
    items.isEmpty ? (isCorrect ? 1 : 0) : Double(items.count { $0 }) / Double(items.count)
  }

  /// Scores an answer.
  ///
  /// A sample with spans is a composite if its expected answer has items numbered from 1 on.
  init(
    _ response: String, finishReason: FinishReason, to sample: SampleText, metric: TaskMetric
  ) {
    prompt = String(decoding: sample.prompt, as: UTF8.self)
    reference = String(decoding: sample.response, as: UTF8.self)
    self.response = response
    self.finishReason = finishReason
    isCorrect = metric.isCorrect(response, reference: reference)
    guard sample.hasSpans else {
      items = []
      return
    }
    let expected = NumberedItems(reference)
    let references = (1...).lazy.map { expected[$0] }.prefix { $0 != nil }.compactMap(\.self)
    items =
      CompositeScore(
        response, references: references.map { .init($0, metric: metric) }
      ).isCorrect
  }
}
