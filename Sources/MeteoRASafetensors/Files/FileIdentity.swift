import Foundation

/// Which file a path leads to, whatever it is called there: two paths to one file are equal.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64

  /// Follows symbolic links; `nil` if nothing can be found there.
  package init?(of url: URL) {
    var status = stat()
    guard url.isFileURL, stat(url.path, &status) == 0 else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(truncatingIfNeeded: status.st_ino)
  }
}
