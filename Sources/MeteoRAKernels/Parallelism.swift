import Dispatch

/// How many threads a kernel may use.
///
/// Threads split *outputs*, never a sum, so the number of threads has no influence on any bit.
/// Most work is cut into as many contiguous ranges of about equal length, one for each thread.
/// Attention, whose work grows with the position, deals its tiles out in turn instead. Dispatch
/// decides when the pieces run: on a machine with fewer cores, some run after others.
public struct Parallelism: Sendable, Equatable {
  /// The largest number of threads that can be asked for.
  public static let maximumThreads = 1024

  /// Pieces that work is cut into, at most; all may run at the same time.
  public let threads: Int

  /// One thread: everything runs on the caller's.
  public static let serial = Parallelism(uncheckedThreads: 1)

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
    // The calls write to disjoint outputs, which the compiler cannot see.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      let first = piece * length + min(piece, longer)
      body(first..<first + length + (piece < longer ? 1 : 0))
    }
  }

  /// Calls `body` at most ``threads`` times with indices below `count`, dealt out in turn so that
  /// each index is in one call: for work whose size grows with the index.
  package func forEachDeal(
    of count: Int, _ body: (StrideTo<Int>) -> Void
  ) {
    let pieces = min(threads, count)
    forEachRange(of: pieces) { range in
      for piece in range { body(stride(from: piece, to: count, by: pieces)) }
    }
  }
}
