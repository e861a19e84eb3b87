import Dispatch

/// How many threads a kernel may use.
///
/// Threads split *outputs*, never a sum, so the number of threads has no influence on any bit.
public struct Parallelism: Sendable, Equatable {
  /// The largest number of threads that can be asked for.
  public static let maximumThreads = 1024

  /// Work is cut into this many contiguous pieces, one a thread.
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

  /// Calls `body` with disjoint contiguous ranges that cover `0..<count`, at most one a thread,
  /// and returns when all calls have.
  package func forEachRange(of count: Int, _ body: (Range<Int>) -> Void) {
    let pieces = min(threads, count)
    if pieces <= 1 {
      if count > 0 { body(0..<count) }
      return
    }
    // The calls write to disjoint outputs, which the compiler cannot see.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      body(count * piece / pieces..<count * (piece + 1) / pieces)
    }
  }

  /// Calls `body` once a thread with the indices below `count` that are its own, dealt out in
  /// turn: for work whose size grows with the index.
  package func forEachDeal(
    of count: Int, _ body: (StrideTo<Int>) -> Void
  ) {
    let pieces = min(threads, count)
    forEachRange(of: pieces) { range in
      for piece in range { body(stride(from: piece, to: count, by: pieces)) }
    }
  }
}
