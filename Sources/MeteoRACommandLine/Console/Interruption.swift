import Foundation

/// Whether the user wants the program to end.
///
/// A command that can end well on its own asks ``isRequested`` now and then inside
/// ``gracefully(_:)``; outside, and when asked twice, the program ends at once.
package final class Interruption: @unchecked Sendable {
  // Unchecked: the lock guards both variables.
  private let lock = NSLock()
  private var requested: Int32?
  private var gracefulSections = 0

  package init() {}

  /// Whether a command has to end.
  package var isRequested: Bool { exitCode != nil }

  /// The exit code of a program that was asked to end.
  package var exitCode: Int32? { lock.withLock { requested } }

  /// Asks the program to end.
  ///
  /// - Parameter exitCode: 128 and the signal's number.
  /// - Returns: Whether a command will see to it; if not, the caller has to end the process.
  @discardableResult
  package func request(exitCode: Int32 = 130) -> Bool {
    lock.withLock {
      let isFirst = requested == nil
      requested = requested ?? exitCode
      return isFirst && gracefulSections > 0
    }
  }

  /// Calls `body`, which asks ``isRequested`` often enough.
  func gracefully<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.withLock { gracefulSections += 1 }
    defer { lock.withLock { gracefulSections -= 1 } }
    return try body()
  }
}
