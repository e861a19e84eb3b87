import Foundation

/// Copies files as a whole or not at all.
package enum FileCopy {
  /// Bytes that are copied between two questions whether to go on.
  private static let chunk = 16 << 20

  /// Copies the content of a regular file; a symbolic link is followed.
  ///
  /// - Parameters:
  ///   - source: The file to be read.
  ///   - target: The file to be made, in an existing folder.
  ///   - shouldStop: Asked every few megabytes.
  /// - Returns: Whether the copy is complete; if not, there is none.
  package static func copy(
    _ source: URL, to target: URL, shouldStop: () -> Bool
  ) throws(FileAccessError) -> Bool {
    let original = try MappedFile(source)
    let copy = try ReplacementFile(replacing: target)
    let isComplete = try original.withUnsafeBytes { bytes throws(FileAccessError) in
      for first in stride(from: 0, to: bytes.count, by: chunk) {
        if shouldStop() { return false }
        let part = first..<min(first + chunk, bytes.count)
        try copy.write(UnsafeRawBufferPointer(rebasing: bytes[part]), at: first)
      }
      return true
    }
    if isComplete { try copy.commit() }
    return isComplete
  }

  /// Makes a symbolic link to the absolute, resolved path of a regular file.
  package static func link(_ source: URL, at target: URL) throws(FileAccessError) {
    // Opened once, so that a missing or unreadable file is named here and not when it is used.
    let path = try MappedFile(source).path
    guard let resolved = realpath(path, nil) else {
      throw FileAccessError(code: errno, path: path, operation: "resolve")
    }
    defer { free(resolved) }
    if symlink(resolved, target.path) != 0 {
      throw FileAccessError(code: errno, path: target.path, operation: "write")
    }
  }
}
