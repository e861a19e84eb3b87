import Dispatch
import Foundation

/// How many threads a kernel may use.
///
/// Threads split *outputs*, never a sum, so the number of threads has no influence on any bit.
/// Most work is cut into as many contiguous ranges of about equal length, one for each thread.
/// Attention, whose work grows with the position, weighs its tiles. The system decides when the
/// pieces run: on a machine with fewer cores, some run after others.
public struct Parallelism: Sendable, Equatable {
  /// The largest number of threads that can be asked for.
  public static let maximumThreads = 1024

  /// Pieces that work is cut into, at most; all may run at the same time.
  public let threads: Int

  /// Threads that are awake already.
  private var team: WorkerTeam?

  /// One thread: everything runs on the caller's.
  public static let serial = Parallelism(uncheckedThreads: 1)

  public static func == (a: Parallelism, b: Parallelism) -> Bool { a.threads == b.threads }

  /// - Throws: ``KernelError/outOfRange(argument:actual:allowed:)`` unless `threads` is in
  ///   1 … ``maximumThreads``.
  public init(threads: Int) throws(KernelError) {
    guard (1...Self.maximumThreads).contains(threads) else {
      throw .outOfRange(
        argument: "threads", actual: "\(threads)", allowed: "1...\(Self.maximumThreads)")
    }
    self.threads = threads
  }

  private init(uncheckedThreads: Int) {
    threads = uncheckedThreads
  }

  /// Calls `body` with a copy whose threads stay awake from one call of ``forEachRange(of:_:)`` to
  /// the next, which saves some 30 µs each time. After `body` has returned it runs everything on
  /// one.
  package func withTeam<Result, Failure: Error>(
    _ body: (Parallelism) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // More threads than cores would only take turns.
    let helpers = min(threads, ProcessInfo.processInfo.activeProcessorCount) - 1
    guard helpers > 0, team == nil else { return try body(self) }
    var parallelism = self
    let team = WorkerTeam(helpers: helpers)
    parallelism.team = team
    defer { team.dissolve() }
    return try body(parallelism)
  }

  /// Calls `body` with disjoint contiguous ranges that cover `0..<count`, none empty, at most
  /// ``threads`` of them, whose lengths differ by one at most; returns when all calls have.
  package func forEachRange(of count: Int, _ body: (Range<Int>) -> Void) {
    let pieces = min(threads, count)
    if pieces <= 1 {
      if count > 0 { body(0..<count) }
      return
    }
    // The first `longer` ranges have one index more. (count · piece / pieces would overflow.)
    let (length, longer) = count.quotientAndRemainder(dividingBy: pieces)
    @Sendable func range(_ piece: Int) -> Range<Int> {
      let first = piece * length + min(piece, longer)
      return first..<first + length + (piece < longer ? 1 : 0)
    }
    if let team {
      team.forEachPiece(of: pieces) { body(range($0)) }
    } else {
      // The calls write to disjoint outputs, which the compiler cannot see.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: pieces) { body(range($0)) }
    }
  }

  /// Calls `body` at most ``threads`` times with disjoint contiguous ranges that cover the indices
  /// of `weights`, none empty: a piece has those whose middle lies in its equal share of the whole.
  ///
  /// - Parameter weights: Above 0, in proportion to time.
  package func forEachRange(weighing weights: [Double], _ body: (Range<Int>) -> Void) {
    let pieces = min(threads, weights.count)
    let share = weights.reduce(0, +) / Double(max(pieces, 1))
    // Where each piece begins.
    var starts: [Int] = []
    var before: Double = 0
    for (index, weight) in weights.enumerated() {
      let piece = Int((before + weight / 2) / share)
      while starts.count <= min(piece, pieces - 1) { starts.append(index) }
      before += weight
    }
    let ends = starts.dropFirst() + [weights.count]
    let ranges = zip(starts, ends).filter { $0 < $1 }.map { $0..<$1 }
    forEachRange(of: ranges.count) { pieces in
      for piece in pieces { body(ranges[piece]) }
    }
  }
}
