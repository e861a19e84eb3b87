import Dispatch
import Foundation
import Testing

@testable import MeteoRAKernels

@Suite("Threads that stay awake", .serialized, .timeLimit(.minutes(1)))
struct WorkerTeamTests {
  struct Failure: Error, Equatable {
    var number: Int
  }

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

  /// Seconds after which what did not happen never will.
  private static let patience: TimeInterval = 10

  /// Whether `body` returns, on a thread of its own: nothing ends a thread that waits for ever.
  private func returns(_ body: @escaping @Sendable () -> Void) -> Bool {
    let returned = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      body()
      returned.signal()
    }
    return returned.wait(timeout: .now() + Self.patience) == .success
  }

  /// Waits until another thread is here too.
  private func meet(in begun: Counts, at index: Int) {
    let deadline = Date(timeIntervalSinceNow: Self.patience)
    begun.increment(index)
    while begun.all != [1, 1], Date() < deadline { Thread.sleep(forTimeInterval: 0.0001) }
  }

  /// Neither piece ends before the other has begun, which one thread could not do.
  private func meetInTwoPieces(of team: WorkerTeam) -> Bool {
    let begun = Counts(2)
    let start = Date()
    team.forEachPiece(of: 2) { meet(in: begun, at: $0) }
    return Date().timeIntervalSince(start) < Self.patience
  }

  @Test("helpers take part")
  func helps() {
    let team = WorkerTeam(helpers: 1)
    defer { team.dissolve() }
    #expect(meetInTwoPieces(of: team))
  }

  @Test("helpers that went to sleep come back")
  func wakesHelpers() throws {
    let team = WorkerTeam(helpers: 1)
    defer { team.dissolve() }
    try #require(meetInTwoPieces(of: team))
    for _ in 1...3 {
      Thread.sleep(forTimeInterval: 0.02)
      try #require(meetInTwoPieces(of: team))
    }
  }

  @Test("a region inside of a region is right", arguments: [0, 1, 3])
  func nests(helpers: Int) {
    let team = WorkerTeam(helpers: helpers)
    defer { team.dissolve() }
    let counts = Counts(12)
    let hasReturned = returns {
      team.forEachPiece(of: 4) { outer in
        team.forEachPiece(of: 3) { counts.increment(outer * 3 + $0) }
      }
    }
    #expect(hasReturned)
    #expect(counts.all == [Int](repeating: 1, count: 12))
  }

  @Test("a region while another thread is in one is right", arguments: [0, 1, 3])
  func takesCallsOfTwoThreads(helpers: Int) {
    let team = WorkerTeam(helpers: helpers)
    defer { team.dissolve() }
    let (outer, inner, others) = (Counts(4), Counts(8), Counts(1))
    let hasReturned = returns {
      team.forEachPiece(of: 4) { piece in
        outer.increment(piece)
        guard piece == 0 else { return }
        // The outer region lasts longer than the other thread's.
        if returns({ team.forEachPiece(of: 8) { inner.increment($0) } }) { others.increment(0) }
      }
    }
    #expect(hasReturned)
    #expect(others.all == [1])
    #expect(outer.all == [Int](repeating: 1, count: 4))
    #expect(inner.all == [Int](repeating: 1, count: 8))
  }

  @Test("two threads that use a team again and again are both right", arguments: [1, 3])
  func takesManyCallsOfTwoThreads(helpers: Int) {
    let team = WorkerTeam(helpers: helpers)
    defer { team.dissolve() }
    let (begun, rightRegions) = (Counts(2), Counts(2))
    let group = DispatchGroup()
    for caller in 0..<2 {
      group.enter()
      Thread.detachNewThread {
        meet(in: begun, at: caller)
        let counts = Counts(9)
        for region in 1...300 {
          team.forEachPiece(of: 9) { counts.increment($0) }
          if counts.all == [Int](repeating: region, count: 9) { rightRegions.increment(caller) }
        }
        group.leave()
      }
    }
    #expect(group.wait(timeout: .now() + Self.patience) == .success)
    #expect(rightRegions.all == [300, 300])
  }

  @Test("teams at the same time, of more threads than there are, each take every piece")
  func manyTeams() {
    let rightTeams = Counts(8)
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      let team = WorkerTeam(helpers: 15)
      let counts = Counts(16)
      for _ in 0..<50 { team.forEachPiece(of: 16) { counts.increment($0) } }
      if counts.all == [Int](repeating: 50, count: 16) { rightTeams.increment(index) }
      team.dissolve()
    }
    #expect(rightTeams.all == [Int](repeating: 1, count: 8))
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

  @Test(
    "threads that were used once are let go", .enabled(if: hasHelpers), arguments: [true, false])
  func letsGo(throwing: Bool) throws {
    let parallelism = try Parallelism(threads: 2)
    weak var team: WorkerTeam?
    do throws(Failure) {
      try parallelism.withTeam { parallelism throws(Failure) in
        team = Self.team(of: parallelism)
        #expect(team != nil)
        parallelism.forEachRange(of: 2) { _ in }
        if throwing { throw Failure(number: 7) }
      }
      #expect(!throwing)
    } catch {
      #expect(throwing)
      #expect(error == Failure(number: 7))
    }
    // Helpers hold their team until they are gone.
    let deadline = Date(timeIntervalSinceNow: Self.patience)
    while team != nil, Date() < deadline { Thread.sleep(forTimeInterval: 0.001) }
    #expect(team == nil)
  }

  @Test("loops are right when their threads were let go", arguments: threadCounts)
  func outlives(threads: Int) throws {
    let kept = try Parallelism(threads: threads).withTeam { $0 }
    let counts = Counts(65)
    for region in 1...100 {
      kept.forEachRange(of: 65) { for index in $0 { counts.increment(index) } }
      #expect(counts.all == [Int](repeating: region, count: 65))
    }
  }

  /// Whether this machine has a processor for a helper.
  private static let hasHelpers = ProcessInfo.processInfo.activeProcessorCount > 1

  /// What nobody but the loops should see.
  private static func team(of parallelism: Parallelism) -> WorkerTeam? {
    let fields = Mirror(reflecting: parallelism).children
    return fields.lazy.compactMap { $0.value as? WorkerTeam }.first
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
