import Foundation

/// The temporary files and folders that this process has under way, so that one that has to end at
/// once can take them away.
package final class TemporaryPaths: @unchecked Sendable {
  // Unchecked: the lock guards the paths.
  private let lock = NSLock()
  private var paths: Set<String> = []

  /// Those of all writers of the process.
  package static let shared = TemporaryPaths()

  package init() {}

  /// Notes a path and makes what is to be there, with nothing in between.
  ///
  /// - Parameter make: Returns a negative number if there is nothing; the path is forgotten then.
  func create(_ path: String, _ make: () -> Int32) -> Int32 {
    lock.withLock {
      let result = make()
      if result >= 0 { paths.insert(path) }
      return result
    }
  }

  /// Forgets a path that has been renamed or removed.
  func forget(_ path: String) {
    lock.withLock { _ = paths.remove(path) }
  }

  /// Removes everything, then calls `finish`, which is to end the process: until it returns no
  /// writer can begin a file.
  package func removeAll(_ finish: () -> Void) {
    lock.withLock {
      for path in paths { try? FileManager.default.removeItem(atPath: path) }
      paths = []
      finish()
    }
  }
}
