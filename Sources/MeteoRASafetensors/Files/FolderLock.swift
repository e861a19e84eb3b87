import Foundation

/// Keeps a folder to one owner among all processes, until the object is gone or its process ends,
/// however it ends.
package final class FolderLock {
  private let descriptor: Int32

  /// - Returns: `nil` if another owner has the folder. A file system that knows no locks gives the
  ///   folder to everybody.
  /// - Throws: ``FileAccessError`` if there is no folder that can be read.
  package init?(_ folder: URL) throws(FileAccessError) {
    let path = try FileStatus.path(of: folder)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0 {
      let code = errno
      // ENOTDIR does not tell a file from a folder that is missing.
      var status = stat()
      if code == ENOTDIR, stat(path, &status) == 0 { throw .isFile(path: path) }
      throw FileAccessError(code: code, path: path, operation: "read")
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }
}
