/// Which items of a composite a model answered well.
///
/// The answer is taken apart by the numbers of its lines, see ``NumberedItems``. An item is right if
/// the line of its number is, by the metric of its own task, whatever the others are.
public struct CompositeScore: Equatable, Sendable {
  /// An answer that is expected.
  public struct Reference: Sendable {
    /// Without the number.
    public var text: String
    /// That of the item's task.
    public var metric: TaskMetric

    /// An answer that is expected, with the metric of its task.
    public init(_ text: String, metric: TaskMetric) {
      self.text = text
      self.metric = metric
    }
  }

  /// For every item whether it was answered, be it by an empty line behind its number.
  public let isAnswered: [Bool]
  /// For every item whether the answer is right.
  public let isCorrect: [Bool]

  /// Scores an answer.
  ///
  /// - Parameters:
  ///   - answer: What a model wrote for the whole composite.
  ///   - references: Those of the items 1, 2, … Numbers beyond them do not count.
  public init(_ answer: String, references: [Reference]) {
    let items = NumberedItems(answer)
    isAnswered = references.indices.map { items[$0 + 1] != nil }
    isCorrect = references.enumerated().map { index, reference in
      guard let item = items[index + 1] else { return false }
      return reference.metric.isCorrect(item, reference: reference.text)
    }
  }
}
