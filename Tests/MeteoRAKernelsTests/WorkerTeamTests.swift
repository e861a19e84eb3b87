import Dispatch
import Foundation
import Testing

@testable import MeteoRAKernels

@Suite("Threads that stay awake")
struct WorkerTeamTests {
  @Test("a team takes every piece once, region after region", arguments: [0, 1, 3, 15])
  func takesEveryPiece(helpers: Int) {
    let team = WorkerTeam(helpers: helpers)
    defer { team.dissolve() }
    let counts = Counts(64)
    for region in 0..<200 {
      let pieces = region % 65
      counts.reset()
      team.forEachPiece(of: pieces) { counts.increment($0) }
      #expect(counts.all == (0..<64).map { $0 < pieces ? 1 : 0 })
    }
  }

  @Test("helpers that went to sleep come back")
  func wakesHelpers() {
    let team = WorkerTeam(helpers: 2)
    defer { team.dissolve() }
    let counts = Counts(8)
    for region in 1...3 {
      Thread.sleep(forTimeInterval: 0.02)
      team.forEachPiece(of: 8) { counts.increment($0) }
      #expect(counts.all == [Int](repeating: region, count: 8))
    }
  }

  @Test("helpers take part")
  func helps() {
    let team = WorkerTeam(helpers: 1)
    defer { team.dissolve() }
    // Neither piece ends before the other has begun, which one thread could not do.
    let begun = Counts(2)
    team.forEachPiece(of: 2) { piece in
      begun.increment(piece)
      while begun.all != [1, 1] { Thread.sleep(forTimeInterval: 0.0001) }
    }
    #expect(begun.all == [1, 1])
  }

  @Test("a region inside of a region is right", arguments: [0, 1, 3])
  func nests(helpers: Int) {
    let team = WorkerTeam(helpers: helpers)
    defer { team.dissolve() }
    let counts = Counts(12)
    team.forEachPiece(of: 4) { outer in
      team.forEachPiece(of: 3) { counts.increment(outer * 3 + $0) }
    }
    #expect(counts.all == [Int](repeating: 1, count: 12))
  }

  @Test("many teams at a time do not wait for each other")
  func manyTeams() {
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      let team = WorkerTeam(helpers: 15)
      let counts = Counts(16)
      for _ in 0..<50 { team.forEachPiece(of: 16) { counts.increment($0) } }
      #expect(counts.all == [Int](repeating: 50, count: 16))
      team.dissolve()
    }
  }

  @Test("loops with a team cover what loops without one cover", arguments: threadCounts + [64])
  func covers(threads: Int) throws {
    let parallelism = try Parallelism(threads: threads)
    for count in [0, 1, 2, 3, 63, 64, 65] {
      let counts = Counts(65)
      parallelism.withTeam { parallelism in
        #expect(parallelism.threads == threads)
        parallelism.forEachRange(of: count) { range in
          #expect(!range.isEmpty)
          for index in range { counts.increment(index) }
        }
      }
      #expect(counts.all == (0..<65).map { $0 < count ? 1 : 0 })
    }
  }
}

/// How often each index came, from any thread.
private final class Counts: @unchecked Sendable {
  private let lock = NSLock()
  private var counts: [Int]

  init(_ count: Int) { counts = [Int](repeating: 0, count: count) }

  func increment(_ index: Int) { lock.withLock { counts[index] += 1 } }
  func reset() { lock.withLock { counts = counts.map { _ in 0 } } }
  var all: [Int] { lock.withLock { counts } }
}
