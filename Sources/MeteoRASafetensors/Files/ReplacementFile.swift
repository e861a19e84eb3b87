import Foundation

/// A file that takes its place at once, complete, or not at all.
///
/// The bytes go to a hidden temporary file in the same folder; ``commit(isDurable:)`` renames it to
/// the final name, over an older file of that name. Without that the temporary file is removed when
/// the object is. A symbolic link is followed: it stays, and the file that it leads to is made or
/// replaced.
package final class ReplacementFile {
  /// The path of the file to be made.
  package let path: String
  private let folder: String
  private let target: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// Creates the temporary file.
  ///
  /// - Throws: ``FileAccessError`` if the folder is missing, not writable or not for files, or if
  ///   something other than a regular file has the name.
  package init(replacing url: URL) throws(FileAccessError) {
    // A rename would replace a device or a pipe (`/dev/stdout`) by an ordinary file.
    let destination = try FileDestination(of: url)
    let random = String(UInt64.random(in: 0 ... .max), radix: 36)
    let temporaryPath = destination.sibling(".meteora-\(random).tmp")
    path = destination.path
    folder = destination.folder
    target = destination.target
    self.temporaryPath = temporaryPath
    var code: Int32 = 0
    descriptor = TemporaryPaths.shared.create(temporaryPath) {
      let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      code = errno
      return descriptor
    }
    if descriptor < 0 {
      // The folder is there, so that "not found" would name the wrong reason.
      if code == ENOENT { throw .system(path: path, operation: "write", code: code) }
      throw FileAccessError(code: code, path: path, operation: "write")
    }
  }

  /// Throws if the file could not be made: something other than a regular file has the name, or
  /// its folder is missing, not writable or not for files.
  package static func requireReplaceable(_ url: URL) throws(FileAccessError) {
    let folder = try FileDestination(of: url).folder
    if access(folder, W_OK | X_OK) != 0 {
      throw FileAccessError(code: errno, path: folder, operation: "write")
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    // Does nothing for a file that has got its name.
    TemporaryPaths.shared.remove(temporaryPath)
  }

  /// Writes bytes at a place of their own; places may come in any order.
  package func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int
  ) throws(FileAccessError) {
    guard var start = bytes.baseAddress else { return }
    var remaining = bytes.count
    var offset = off_t(offset)
    while remaining > 0 {
      // Linux writes at most 2 GiB − 4 KiB in one call, Darwin refuses more than 2 GiB − 1.
      let written = pwrite(descriptor, start, min(remaining, 1 << 30), offset)
      if written < 0 {
        if errno == EINTR { continue }
        throw FileAccessError(code: errno, path: path, operation: "write")
      }
      start += written
      remaining -= written
      offset += off_t(written)
    }
  }

  /// Gives the file its final name; nothing can be written afterwards.
  ///
  /// - Parameter isDurable: Whether to wait until the disk holds the content, before the file gets
  ///   its name, and then the name.
  package func commit(isDurable: Bool = false) throws(FileAccessError) {
    if isDurable { try DiskSynchronization.synchronize(descriptor, path: path) }
    // Closed even if that fails.
    let isWritten = close(descriptor) == 0
    let failure = errno
    descriptor = -1
    let code = isWritten ? TemporaryPaths.shared.rename(temporaryPath, to: target) : failure
    if code != 0 {
      TemporaryPaths.shared.remove(temporaryPath)
      throw FileAccessError(code: code, path: path, operation: "write")
    }
    if isDurable { try DiskSynchronization.synchronize(folder) }
  }

  /// Writes a whole file at once.
  package static func write(_ bytes: [UInt8], to url: URL) throws(FileAccessError) {
    let file = try ReplacementFile(replacing: url)
    try bytes.withUnsafeBufferPointer { bytes throws(FileAccessError) in
      try file.write(UnsafeRawBufferPointer(bytes), at: 0)
    }
    try file.commit()
  }
}
