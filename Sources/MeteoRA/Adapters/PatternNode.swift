/// A reason why a text is no pattern, as it ends the sentence "target_modules '…' …".
struct PatternProblem: Error, Equatable {
  var text: String
}

/// A pattern as a tree.
indirect enum PatternNode: Sendable {
  case bytes(ByteSet)
  case start
  case end
  /// Between a word character and another, or not.
  case boundary(Bool)
  case sequence([PatternNode])
  case choice([PatternNode])
  case repeated(PatternNode, atLeast: Int, atMost: Int?)
  case lookahead(PatternNode, isNegated: Bool)
}
