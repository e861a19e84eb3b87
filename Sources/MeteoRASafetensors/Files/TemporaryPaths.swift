import Foundation

/// The temporary files and folders that this process has under way, so that one that has to end at
/// once can take them away.
///
/// They are made, removed and renamed here alone, one at a time: two removals of one folder at once
/// would trip over each other, and a folder that is being removed must not get its final name.
package final class TemporaryPaths: @unchecked Sendable {
  // Unchecked: the lock guards the paths, and what lies there.
  private let lock = NSLock()
  private var paths: Set<String> = []

  /// Removals of one path at most. Each fails only if a writer has put something into the folder
  /// meanwhile, which that can do no more where the folder is gone.
  private static let mostAttempts = 100

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

  /// Removes what is at a path, with all that is in it, unless that has been done already.
  func remove(_ path: String) {
    lock.withLock {
      if paths.remove(path) != nil { Self.removeTree(path) }
    }
  }

  /// Gives what is at a path its final name; it is not temporary any more.
  ///
  /// - Returns: Zero, or the system's error number: `ENOENT` for what has been removed.
  func rename(_ path: String, to target: String) -> Int32 {
    lock.withLock {
      guard paths.contains(path) else { return ENOENT }
      if Foundation.rename(path, target) != 0 { return errno }
      paths.remove(path)
      return 0
    }
  }

  /// Gives what is at a path the name of something that is there, which becomes temporary.
  ///
  /// - Parameter aside: The temporary path of what was there, in the same folder.
  /// - Returns: Zero, or the system's error number; both have their old names then.
  func rename(_ path: String, to target: String, settingAside aside: String) -> Int32 {
    lock.withLock {
      guard paths.contains(path) else { return ENOENT }
      if Foundation.rename(target, aside) != 0 { return errno }
      if Foundation.rename(path, target) != 0 {
        let code = errno
        // Nobody has taken the name: every writer of this process waits for the lock.
        _ = Foundation.rename(aside, target)
        return code
      }
      paths.remove(path)
      paths.insert(aside)
      return 0
    }
  }

  /// Removes everything, then calls `finish`, which is to end the process: until it returns no
  /// writer can begin a file.
  package func removeAll(_ finish: () -> Void) {
    lock.withLock {
      for path in paths { Self.removeTree(path) }
      paths = []
      finish()
    }
  }

  private static func removeTree(_ path: String) {
    var status = stat()
    for _ in 0..<mostAttempts where lstat(path, &status) == 0 {
      try? FileManager.default.removeItem(atPath: path)
    }
  }
}
