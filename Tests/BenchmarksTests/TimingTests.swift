import Testing

@testable import benchmarks

@Suite("The times of a row")
struct TimingTests {
  @Test("have the middle sample as median, or the mean of the two in the middle")
  func median() {
    #expect(Timing(samples: [3, 1, 2]).median == 2)
    #expect(Timing(samples: [4, 1, 2, 3]).median == 2.5)
    #expect(Timing(samples: [5]).median == 5)
  }

  @Test("have half the distance between the quartiles as spread")
  func spread() {
    #expect(Timing(samples: [8, 1, 7, 2, 6, 3, 5, 4]).spread == 2)
    #expect(Timing(samples: [5]).spread == 0)
  }

  @Test("take as many samples as the budget asks for, after a warm-up")
  func samples() {
    var calls = 0
    let budget = TimeBudget(seconds: 0, fewest: 5)
    #expect(Timing(budget) { calls += 1 }.count == 5)
    #expect(calls == 6)
  }
}
