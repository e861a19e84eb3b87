import Testing

@testable import MeteoRATraining

/// Known answers are those of `python print_sample_order.py` in Fixtures/oracle.
@Suite("The order of samples")
struct SampleOrderTests {
  @Test("epochs follow each other, each in its own order")
  func walksEpochs() throws {
    var order = try SampleOrder(count: 10, seed: 42)
    #expect((0..<10).map { _ in order.next() } == [5, 4, 0, 1, 2, 7, 9, 3, 6, 8])
    #expect(order.epoch == 1)
    #expect((0..<10).map { _ in order.next() } == [4, 2, 7, 3, 9, 8, 5, 6, 1, 0])
    #expect(order.position == 20)
    #expect(order.count == 10)
    #expect(order.seed == 42)
  }

  @Test(
    "every sample comes once an epoch", arguments: [1, 2, 3, 31, 200], [0, 1, .max] as [UInt64])
  func takesAll(count: Int, seed: UInt64) throws {
    var order = try SampleOrder(count: count, seed: seed)
    for _ in 0..<3 {
      #expect((0..<count).map { _ in order.next() }.sorted() == Array(0..<count))
    }
  }

  @Test("it goes on from any position")
  func resumes() throws {
    var whole = try SampleOrder(count: 7, seed: 3)
    let samples = (0..<40).map { _ in whole.next() }
    for position in 0..<40 {
      var rest = try SampleOrder(count: 7, seed: 3, position: position)
      #expect(rest.position == position)
      #expect((position..<40).map { _ in rest.next() } == Array(samples[position...]))
    }
  }

  @Test("the last epoch that a counter can tell goes to its end")
  func reachesLastEpoch() throws {
    var order = try SampleOrder(count: 10, seed: 42, position: 10 << 32 - 10)
    #expect(order.epoch == 1 << 32 - 1)
    #expect((0..<10).map { _ in order.next() } == [7, 9, 2, 8, 5, 6, 3, 4, 1, 0])
  }

  @Test("a count or a position out of range is an error")
  func refusesRanges() throws {
    for count in [Int.min, -1, 0, 1 << 31, .max] {
      #expect(
        throws: TrainingDataError.setting(
          "the number of samples", found: count, expected: 1...(1 << 31 - 1))
      ) {
        try SampleOrder(count: count, seed: 0)
      }
    }
    for position in [Int.min, -1, 10 << 32, .max] {
      #expect(
        throws: TrainingDataError.setting(
          "the number of samples taken", found: position, expected: 0...(10 << 32 - 1))
      ) {
        try SampleOrder(count: 10, seed: 0, position: position)
      }
    }
  }

  @Test(
    "a choice is the known one",
    arguments: [
      (3, 10, 42, [6, 7, 8]), (5, 12, 3, [2, 3, 4, 5, 10]), (9, 7, 0, [0, 1, 2, 3, 4, 5, 6]),
    ])
  func knownChoices(amount: Int, count: Int, seed: UInt64, expected: [Int]) {
    #expect(SampleOrder.chosen(amount, of: count, seed: seed) == expected)
  }
}
