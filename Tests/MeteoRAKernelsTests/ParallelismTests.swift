import MeteoRAKernels
import Testing

@Suite("Parallel loops")
struct ParallelismTests {
  @Test("it covers every index once, in contiguous ranges", arguments: threadCounts + [1024])
  func coversOnce(threads: Int) throws {
    let parallelism = try Parallelism(threads: threads)
    for count in [0, 1, 2, 3, 5, 63, 64, 65, 1000] {
      let ranges = Collected<Range<Int>>()
      parallelism.forEachRange(of: count) { ranges.append($0) }
      let sorted = ranges.all.sorted { $0.lowerBound < $1.lowerBound }
      #expect(sorted.flatMap { Array($0) } == Array(0..<count))
      #expect(sorted.count <= threads)
    }
  }

  @Test("it splits any number of indices", arguments: threadCounts + [1024])
  func splitsLargest(threads: Int) throws {
    let ranges = Collected<Range<Int>>()
    try Parallelism(threads: threads).forEachRange(of: .max) { ranges.append($0) }
    let sorted = ranges.all.sorted { $0.lowerBound < $1.lowerBound }
    #expect(sorted.count == threads)
    #expect(sorted.first?.lowerBound == 0)
    #expect(sorted.last?.upperBound == .max)
    #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    let lengths = sorted.map(\.count)
    #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
  }

  @Test("it calls nothing for no work", arguments: [0, -1, Int.min])
  func callsNothing(count: Int) throws {
    let calls = Collected<Int>()
    try Parallelism(threads: 3).forEachRange(of: count) { calls.append($0.count) }
    try Parallelism(threads: 3).forEachRange(weighing: []) { calls.append($0.count) }
    #expect(calls.all.isEmpty)
  }

  @Test("it weighs what it splits", arguments: threadCounts)
  func splitsByWeight(threads: Int) throws {
    let parallelism = try Parallelism(threads: threads)
    let ascending = (1...130).map { Double($0) }
    let examples: [[Double]] = [
      [1], [1, 1, 1, 1], ascending, [1, 1e9, 1, 1], [1e9, 1, 1, 1, 1e9],
      [Double](repeating: 0.1, count: 64),
    ]
    for weights in examples {
      let ranges = Collected<Range<Int>>()
      parallelism.forEachRange(weighing: weights) { ranges.append($0) }
      let sorted = ranges.all.sorted { $0.lowerBound < $1.lowerBound }
      #expect(sorted.count <= threads)
      #expect(sorted.flatMap(Array.init) == Array(weights.indices))
      #expect(sorted.allSatisfy { !$0.isEmpty })
      // No piece is heavier than its share by more than one weight.
      let share = weights.reduce(0, +) / Double(min(threads, weights.count))
      let most = share + (weights.max() ?? 0)
      #expect(sorted.allSatisfy { weights[$0].reduce(0, +) <= most * 1.000_001 })
    }
  }

  @Test("it refuses a number of threads out of range", arguments: [0, -1, 1025, Int.max])
  func refusesThreads(threads: Int) {
    #expect(
      throws: KernelError.outOfRange(
        argument: "threads", actual: "\(threads)", allowed: "1...1024")
    ) {
      try Parallelism(threads: threads)
    }
  }
}
