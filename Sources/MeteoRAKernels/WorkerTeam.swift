import Dispatch
import Foundation

/// Threads that stay awake from one parallel region to the next.
///
/// To wake a sleeping thread takes 20 to 50 µs on a virtual machine, as long as a product of a
/// small model takes, and a token has some fifty regions. The helpers of a team ask for the next
/// region again and again, and sleep after a while of asking in vain.
///
/// Pieces of a region are taken by whoever is free, one at a time: only a helper that has taken one
/// is waited for, and a team without helpers does everything itself.
final class WorkerTeam: @unchecked Sendable {
  // Unchecked: everything variable is touched under the lock.
  private let lock = NSLock()
  /// The region's work; `nil` between regions.
  private var body: ((Int) -> Void)?
  private var pieces = 0
  /// The first piece that nobody has taken.
  private var next = 0
  private var unfinished = 0
  private var isDissolved = false
  /// Signalled when there are pieces for a helper; one each, so that they do not disturb each
  /// other.
  private let calls: [DispatchSemaphore]
  /// Signalled when the last piece is finished.
  private let finished = DispatchSemaphore(value: 0)

  /// - Parameter helpers: Threads beside the caller's.
  init(helpers: Int) {
    calls = (0..<helpers).map { _ in DispatchSemaphore(value: 0) }
    for call in calls {
      // A queue each: helpers that sleep would hold the few threads of a global one.
      DispatchQueue(label: "MeteoRA.WorkerTeam", qos: .userInitiated).async {
        self.help(when: call)
      }
    }
  }

  /// Sends the helpers away; they hold the team until they are gone.
  func dissolve() {
    locked { isDissolved = true }
    for call in calls { call.signal() }
  }

  /// Calls `body` with every index below `count` once, and returns when all calls have.
  ///
  /// A call while another one is under way, from inside of its `body` or from elsewhere, runs where
  /// it is, one index after the other.
  func forEachPiece(of count: Int, _ body: (Int) -> Void) {
    guard count > 0 else { return }
    withoutActuallyEscaping(body) { body in
      let isNested = locked {
        if self.body != nil { return true }
        (self.body, pieces, next, unfinished) = (body, count, 0, count)
        return false
      }
      if isNested {
        for piece in 0..<count { body(piece) }
        return
      }
      for call in calls.prefix(count - 1) { call.signal() }
      work()
      Self.wait(for: finished)
      locked { self.body = nil }
    }
  }

  private func help(when called: DispatchSemaphore) {
    repeat {
      Self.wait(for: called)
      work()
    } while !locked { isDissolved }
  }

  /// Takes pieces until there are none left.
  private func work() {
    while let piece = takePiece() {
      run(piece)
      if finishPiece() { finished.signal() }
    }
  }

  private func takePiece() -> Int? {
    locked {
      guard body != nil, next < pieces else { return nil }
      next += 1
      return next - 1
    }
  }

  /// Never inlined: when this has returned, it holds the closure no longer. The process would end
  /// if somebody did when the region is over.
  @inline(never)
  private func run(_ piece: Int) {
    let body = locked { self.body }
    body?(piece)
  }

  /// Returns whether it was the last one.
  private func finishPiece() -> Bool {
    locked {
      unfinished -= 1
      return unfinished == 0
    }
  }

  /// How often is asked before sleeping: for some 50 µs.
  private static let patience = 2000

  private static func wait(for semaphore: DispatchSemaphore) {
    // The one time that asks without going to sleep.
    let now = DispatchTime(uptimeNanoseconds: 0)
    for _ in 0..<patience where semaphore.wait(timeout: now) == .success { return }
    semaphore.wait()
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    // Held for some nanoseconds: not worth to sleep for.
    for _ in 0..<Self.patience where lock.try() {
      defer { lock.unlock() }
      return body()
    }
    return lock.withLock(body)
  }
}
