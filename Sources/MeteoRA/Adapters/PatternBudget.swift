/// What the patterns of one configuration may still ask for.
///
/// Their memory is bounded together, and before it is taken for a program that would be refused.
/// ``PatternWork`` bounds their time.
struct PatternBudget {
  /// Room for a key such as `.*PATH` or `(PATH)` for every module of the largest Llama (882 in 126
  /// layers), in `rank_pattern` and in `alpha_pattern`, by the rules of today and of older
  /// releases.
  static let largest = 1 << 18

  /// Steps for each byte of a path.
  private(set) var remaining = largest
  /// For messages.
  let file: String

  init(file: String) {
    self.file = file
  }

  /// - Throws: ``exhausted`` if less remains.
  mutating func take(_ steps: Int) throws(MeteoRAError) {
    guard steps <= remaining else { throw exhausted }
    remaining -= steps
  }

  /// The patterns ask for more than all of it.
  var exhausted: MeteoRAError {
    .invalid(
      file: file, field: "the number of steps that its patterns take",
      found: "more than \(Self.largest)", expected: "at most \(Self.largest)")
  }
}
