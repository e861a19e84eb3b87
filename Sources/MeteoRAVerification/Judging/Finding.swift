import Foundation

/// Something that is not as a case expects it.
public struct Finding: Sendable, Equatable {
  /// What is wrong.
  public enum Problem: Sendable, Equatable {
    /// There is no output of this name; type and shape that it should have.
    case missing(expected: String)
    /// There is an output that should not be there.
    case unexpected
    /// The output has another type or shape.
    case form(actual: String, expected: String)
    /// Float elements differ.
    case bits(BitDifference)
    /// Integer elements differ; the first one, and how many.
    case integers(position: [Int], actual: Int64, expected: Int64, count: Int, total: Int)
    /// A measured value is above its bound, or not a number.
    case bound(Measurement)
    /// A choice differs although it is clear: `gap` is the lead of the expected one.
    case choice(position: [Int], actual: [Int64], expected: [Int64], gap: Double)
    /// The first token already takes other adapters: no element can be compared.
    case notCompared
    /// An element that is not compared is infinite or NaN.
    case notFinite(element: Int)
    /// A generation ended for another reason.
    case finishReason(actual: String, expected: String)
    /// Anything else, in a sentence.
    case other(String)
  }

  /// The name of the output; `nil` if the problem is none of an output.
  public let output: String?
  /// What is wrong with it.
  public let problem: Problem
  /// The executions that have it; empty for results that were handed in.
  public internal(set) var executions: [Execution] = []

  /// Whether the output is not there, which says nothing about its values.
  var isMissing: Bool {
    if case .missing = problem { return true }
    return false
  }

  init(_ output: String?, _ problem: Problem) {
    self.output = output
    self.problem = problem
  }
}

/// A value that a check measures, and its bound.
public struct Measurement: Sendable, Equatable {
  /// What was measured, such as `max_abs`.
  public let name: String
  /// What came out.
  public let value: Double
  /// The largest value that passes; `nil` if the value is only reported.
  public let bound: Double?

  /// Whether the value is within its bound; NaN never is.
  public var isWithinBound: Bool { bound.map { value <= $0 } ?? true }
}

extension Measurement: CustomStringConvertible {
  public var description: String {
    "\(name) \(value.threeDigits)" + (bound.map { " (at most \($0.threeDigits))" } ?? "")
  }
}

extension Double {
  /// At most three significant digits.
  fileprivate var threeDigits: String { String(format: "%.3g", self) }
}

extension Finding: CustomStringConvertible {
  public var description: String {
    (output.map { "\($0): " } ?? "") + sentence
  }

  private var sentence: String {
    switch problem {
    case .missing(let expected): "is missing, expected \(expected)"
    case .unexpected: "is there, expected none"
    case .form(let actual, let expected): "is \(actual), expected \(expected)"
    case .bits(let difference): "\(difference)"
    case .integers(let position, let actual, let expected, let count, let total):
      "element \(position) is \(actual), expected \(expected); \(count) of \(total) elements differ"
    case .bound(let measurement): "\(measurement) is out of bounds"
    case .choice(let position, let actual, let expected, let gap):
      "at \(position) chooses \(actual), expected \(expected), which leads by \(gap)"
    case .notCompared: "no token is left to compare, expected at least 1"
    case .notFinite(let element): "element \(element) is infinite or NaN, expected a number"
    case .finishReason(let actual, let expected): "ends by '\(actual)', expected '\(expected)'"
    case .other(let sentence): sentence
    }
  }
}
