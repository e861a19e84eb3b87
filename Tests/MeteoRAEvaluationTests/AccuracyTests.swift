import MeteoRAEvaluation
import Testing

/// Expected ends are roots p of (r − p)² n = z² p (1 − p), found by bisection with Python's
/// `decimal` (40 digits).
@Suite("Accuracies")
struct AccuracyTests {
  struct Known: Sendable {
    let correct: Int
    let count: Int
    let lower: Double
    let upper: Double
  }

  static let known = [
    Known(correct: 0, count: 1, lower: 0, upper: 0.79345068562276257),
    Known(correct: 1, count: 1, lower: 0.20654931437723743, upper: 1),
    Known(correct: 5, count: 10, lower: 0.23659309051256400, upper: 0.76340690948743600),
    Known(correct: 95, count: 100, lower: 0.88824953076808086, upper: 0.97845632084563203),
    Known(correct: 983, count: 1000, lower: 0.97294404115977008, upper: 0.98935931014318367),
    Known(correct: 0, count: 1000, lower: 0, upper: 0.00382675848555512),
    Known(correct: 1000, count: 1000, lower: 0.99617324151444488, upper: 1),
    Known(correct: 2431, count: 3000, lower: 0.79591120506592854, upper: 0.82396172282521915),
  ]

  @Test("the interval is Wilson's", arguments: known)
  func interval(known: Known) throws {
    let accuracy = try Accuracy(correct: known.correct, of: known.count)
    #expect(abs(accuracy.interval.lowerBound - known.lower) < 1e-14)
    #expect(abs(accuracy.interval.upperBound - known.upper) < 1e-14)
    #expect(accuracy.interval.contains(accuracy.rate))
    #expect(accuracy.interval.lowerBound >= 0 && accuracy.interval.upperBound <= 1)
  }

  @Test("the interval of a huge number of answers is narrow")
  func hugeCounts() throws {
    let accuracy = try Accuracy(correct: .max / 2, of: .max)
    #expect(abs(accuracy.rate - 0.5) < 1e-9)
    #expect(accuracy.interval.upperBound - accuracy.interval.lowerBound < 1e-8)
  }

  @Test("it counts answers")
  func counts() throws {
    let accuracy = try Accuracy([true, false, true, true])
    #expect(accuracy == (try Accuracy(correct: 3, of: 4)))
    #expect(accuracy.rate == 0.75)
  }

  @Test(
    "it is written in percent with one decimal",
    arguments: [
      (95, 100, "95.0 % (88.8–97.8)"), (0, 1000, "0.0 % (0.0–0.4)"),
      (1000, 1000, "100.0 % (99.6–100.0)"), (2431, 3000, "81.0 % (79.6–82.4)"),
    ])
  func description(correct: Int, count: Int, text: String) throws {
    #expect(try Accuracy(correct: correct, of: count).description == text)
  }

  @Test("no answers, or more right ones than there are, are refused")
  func refuses() {
    let none = #expect(throws: AccuracyError.self) { try Accuracy([]) }
    #expect(
      none?.description
        == "an accuracy of no answers was asked for, expected at least one answer")
    let many = #expect(throws: AccuracyError.self) { try Accuracy(correct: 4, of: 3) }
    #expect(many?.description == "4 of 3 answers are said to be right, expected 0 to 3")
    #expect(throws: AccuracyError.outOfRange(correct: -1, count: 3)) {
      try Accuracy(correct: -1, of: 3)
    }
    #expect(throws: AccuracyError.noAnswers) { try Accuracy(correct: 0, of: -1) }
  }
}
