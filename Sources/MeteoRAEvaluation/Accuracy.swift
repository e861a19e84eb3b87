import Foundation

/// How many of some answers are right, and how far chance may have moved that.
///
/// The interval is that of Wilson: all true rates p from which the rate seen, r = correct / count,
/// is less than z standard deviations away, |r − p| ≤ z · √(p (1 − p) / count), with z = 1.959964
/// for 95 %. Its ends are
///
///     (r + z²/2n ± z · √(r (1 − r)/n + z²/4n²)) / (1 + z²/n)          n = count
///
/// It stays within 0 and 1, and keeps some width where all answers are right, or none.
///
/// - SeeAlso: E. B. Wilson, *Probable inference, the law of succession, and statistical inference*,
///   Journal of the American Statistical Association 22 (1927).
public struct Accuracy: Equatable, Sendable {
  /// The answers that are right.
  public let correct: Int
  /// All answers, at least one.
  public let count: Int

  private static let z = 1.959963984540054

  /// A count of answers.
  ///
  /// - Throws: ``AccuracyError``: there is no answer, or not from 0 to `count` of them are right.
  public init(correct: Int, of count: Int) throws(AccuracyError) {
    guard count > 0 else { throw .noAnswers }
    guard (0...count).contains(correct) else { throw .outOfRange(correct: correct, count: count) }
    self.correct = correct
    self.count = count
  }

  /// Counts answers.
  ///
  /// - Parameter isCorrect: For every answer whether it is right; at least one.
  public init(_ isCorrect: some Sequence<Bool>) throws(AccuracyError) {
    var count = 0
    var correct = 0
    for answer in isCorrect {
      count += 1
      if answer { correct += 1 }
    }
    try self.init(correct: correct, of: count)
  }

  /// The share of answers that are right, from 0 to 1.
  public var rate: Double { Double(correct) / Double(count) }

  /// The lower and the upper end of the 95 % interval.
  public var interval: ClosedRange<Double> {
    let n = Double(count)
    let z = Self.z
    let centre = rate + z * z / (2 * n)
    let margin = z * (rate * (1 - rate) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    // Where the true end is 0 or 1, rounding may leave it by a little.
    let lower = correct == 0 ? 0 : (centre - margin) / scale
    let upper = correct == count ? 1 : (centre + margin) / scale
    return lower...upper
  }
}

extension Accuracy: CustomStringConvertible {
  /// In percent, with one decimal, each number rounded by itself: `96.4 % (95.1–97.4)`.
  public var description: String {
    let lower = Self.percent(interval.lowerBound)
    let upper = Self.percent(interval.upperBound)
    return "\(Self.percent(rate)) % (\(lower)–\(upper))"
  }

  private static func percent(_ rate: Double) -> String {
    let tenths = Int((rate * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

/// A reason why numbers are no ``Accuracy``.
public enum AccuracyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Without answers there is no share of them.
  case noAnswers
  /// More answers are right than there are, or fewer than none.
  case outOfRange(correct: Int, count: Int)

  public var description: String {
    switch self {
    case .noAnswers: "an accuracy of no answers was asked for, expected at least one answer"
    case .outOfRange(let correct, let count):
      "\(correct) of \(count) answers are said to be right, expected 0 to \(count)"
    }
  }
}

extension AccuracyError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
