import Foundation

/// Waits until the disk holds what was written, so that it is there after a loss of power.
package enum DiskSynchronization {
  /// The content of an open file.
  ///
  /// - Parameter path: For messages.
  static func synchronize(_ descriptor: Int32, path: String) throws(FileAccessError) {
    #if canImport(Darwin)
      // `fsync` leaves the data in the disk's own memory there.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    while fsync(descriptor) != 0 {
      switch errno {
      case EINTR: continue
      // A file system that cannot do it, or need not.
      case EINVAL, ENOTSUP: return
      default: throw FileAccessError(code: errno, path: path, operation: "write")
      }
    }
  }

  /// A file, or the names in a folder.
  package static func synchronize(_ path: String) throws(FileAccessError) {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw FileAccessError(code: errno, path: path, operation: "write") }
    defer { close(descriptor) }
    try synchronize(descriptor, path: path)
  }

  /// A folder with all files and folders in it; symbolic links are not followed.
  package static func synchronizeTree(_ folder: URL) throws(FileAccessError) {
    for name in try FolderListing.names(in: folder) {
      let url = folder.appendingPathComponent(name)
      var status = stat()
      if lstat(url.path, &status) != 0 {
        throw FileAccessError(code: errno, path: url.path, operation: "write")
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try synchronizeTree(url)
      case S_IFREG: try synchronize(url.path)
      default: break
      }
    }
    try synchronize(folder.path)
  }
}
