import Foundation

/// A folder that takes its place at once, complete, or not at all.
///
/// It is filled under a hidden temporary name in the same parent folder; ``commit()`` renames it
/// to the final one. Without `commit()` it is removed with all that is in it when the object is.
package final class NewFolder {
  /// The path of the folder to be made.
  package let path: String
  /// Where to put its content.
  package let temporary: URL

  /// Creates the temporary folder.
  ///
  /// - Throws: ``FileAccessError`` if something has the name already, or the parent folder is
  ///   missing or not writable.
  package init(creating url: URL) throws(FileAccessError) {
    path = try FileStatus.path(of: url)
    try Self.requireNothing(at: url)
    let parent = url.deletingLastPathComponent()
    let random = String(UInt64.random(in: 0 ... .max), radix: 36)
    let temporary = parent.appendingPathComponent(".meteora-\(random).tmp", isDirectory: true)
    self.temporary = temporary
    var code: Int32 = 0
    let result = TemporaryPaths.shared.create(temporary.path) {
      let result = mkdir(temporary.path, 0o777)
      code = errno
      return result
    }
    if result != 0 {
      let isMissing = code == ENOENT || code == ENOTDIR
      throw FileAccessError(code: code, path: isMissing ? parent.path : path, operation: "write")
    }
  }

  deinit {
    // Does nothing for a folder that has got its name.
    TemporaryPaths.shared.remove(temporary.path)
  }

  /// Throws if something has this path already, be it a dangling symbolic link, or it leads into
  /// `/dev` or `/proc`.
  package static func requireNothing(at url: URL) throws(FileAccessError) {
    let path = try FileStatus.path(of: url)
    var status = stat()
    if lstat(path, &status) == 0 { throw .alreadyThere(path: path) }
    try FileDestination.requireNoSystemFolder(above: path)
  }

  /// Creates a folder inside, with those above it.
  ///
  /// - Parameters:
  ///   - subpath: Relative to this folder, without `..`.
  ///   - mayExist: Whether it may be there already. On a disk that ignores case another name may be
  ///     the same folder.
  package func makeFolder(_ subpath: String, mayExist: Bool = false) throws(FileAccessError) {
    var url = temporary
    let parts = subpath.split(separator: "/")
    for (index, part) in parts.enumerated() {
      url.appendPathComponent(String(part), isDirectory: true)
      if mkdir(url.path, 0o777) == 0 { continue }
      if errno != EEXIST || (index == parts.count - 1 && !mayExist) {
        throw FileAccessError(code: errno, path: url.path, operation: "write")
      }
    }
  }

  /// Gives the folder its final name; nothing of it is removed afterwards.
  package func commit() throws(FileAccessError) {
    // A rename would replace an empty folder silently.
    try Self.requireNothing(at: URL(fileURLWithPath: path))
    let code = TemporaryPaths.shared.rename(temporary.path, to: path)
    if code != 0 { throw FileAccessError(code: code, path: path, operation: "write") }
  }
}
