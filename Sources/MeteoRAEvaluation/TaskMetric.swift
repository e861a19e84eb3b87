/// How an answer is compared with the one that is expected.
public enum TaskMetric: String, CaseIterable, Sendable {
  /// The texts are the same, capitals and small letters told apart.
  ///
  /// ASCII white space (U+0009…U+000D and U+0020) at both ends of either text does not count. What
  /// is left has to have the same UTF-8 bytes: no normalisation, no other white space, no folding.
  case exactCase = "exact_case"

  /// Whether an answer is right.
  ///
  /// - Parameters:
  ///   - answer: What a model wrote.
  ///   - reference: What is expected.
  public func isCorrect(_ answer: String, reference: String) -> Bool {
    switch self {
    case .exactCase:
      answer.withoutOuterSpace.utf8.elementsEqual(reference.withoutOuterSpace.utf8)
    }
  }
}
