import Foundation

/// Which file a path leads to, whatever it is called there: two paths to one file are equal.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64

  /// Follows symbolic links; `nil` if nothing can be found there.
  package init?(of url: URL) {
    var status = stat()
    guard url.isFileURL, stat(url.path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The regular file that a descriptor is open for; `nil` if it is none.
  package init?(ofDescriptor descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(truncatingIfNeeded: status.st_ino)
  }
}
