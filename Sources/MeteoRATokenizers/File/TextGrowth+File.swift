extension TextGrowth {
  /// Refuses steps that could make a text much longer than those of any file in use.
  ///
  /// - Parameter steps: What they are, as `a decoder`.
  func check(_ steps: String, of field: TokenizerField) throws(TokenizerError) {
    if factor <= Self.largest { return }
    let times = factor < 1e15 ? "\(Int(factor.rounded(.up)))" : "more than 10^15"
    throw field.unsupported(
      "\(steps) that can make a text \(times) times as long",
      alternative: "up to \(Int(Self.largest)) times is")
  }

  /// Refuses more steps than any file in use has: each takes the time of the whole text.
  static func checkCount(
    _ count: Int, of steps: String, in field: TokenizerField
  ) throws(TokenizerError) {
    if count <= mostSteps { return }
    throw field.unsupported("\(steps) of \(count) steps", alternative: "at most \(mostSteps) are")
  }
}
