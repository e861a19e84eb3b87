/// What the names and patterns of one configuration may still ask for.
///
/// Each is tried on every module, so their time is bounded together, and before memory is taken for
/// a program that would be refused.
struct PatternBudget {
  /// Room for an expression for every module of the largest Llama (882 in 126 layers), by the rules
  /// of today and of older releases.
  static let largest = 1 << 16

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

  /// The names and patterns ask for more than all of it.
  var exhausted: MeteoRAError {
    .invalid(
      file: file, field: "the number of steps that its names and patterns take",
      found: "more than \(Self.largest)", expected: "at most \(Self.largest)")
  }
}
