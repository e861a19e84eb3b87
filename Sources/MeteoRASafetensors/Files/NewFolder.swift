import Foundation

/// A folder that takes its place at once, complete, or not at all.
///
/// It is filled under a hidden temporary name in the same parent folder; ``commit(isDurable:)``
/// renames it to the final one. Without that it is removed with all that is in it when the object
/// is.
package final class NewFolder {
  /// The path of the folder to be made.
  package let path: String
  /// Where to put its content.
  package let temporary: URL
  private let parent: URL
  private let prefix: String
  private let replaces: Bool

  /// Creates the temporary folder.
  ///
  /// - Parameters:
  ///   - prefix: What temporary names begin with.
  ///   - replaces: Whether a folder of that name may be there; it is removed when this one takes
  ///     its place.
  /// - Throws: ``FileAccessError`` if something has the name already, or the parent folder is
  ///   missing or not writable.
  package init(
    creating url: URL, prefix: String = ".meteora-", replaces: Bool = false
  ) throws(FileAccessError) {
    path = try FileStatus.path(of: url)
    parent = url.deletingLastPathComponent()
    self.prefix = prefix
    self.replaces = replaces
    if !replaces || !Self.isFolder(path) { try Self.requireNothing(at: url) }
    let temporary = Self.hidden(prefix, in: parent)
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
  ///
  /// - Parameter isDurable: Whether to wait until the disk holds the content, before the folder gets
  ///   its name, and then the name.
  package func commit(isDurable: Bool = false) throws(FileAccessError) {
    if isDurable { try DiskSynchronization.synchronizeTree(temporary) }
    if replaces, Self.isFolder(path) {
      let aside = Self.hidden(prefix, in: parent).path
      let code = TemporaryPaths.shared.rename(temporary.path, to: path, settingAside: aside)
      if code != 0 { throw FileAccessError(code: code, path: path, operation: "write") }
      TemporaryPaths.shared.remove(aside)
    } else {
      // A rename would replace an empty folder silently.
      try Self.requireNothing(at: URL(fileURLWithPath: path))
      let code = TemporaryPaths.shared.rename(temporary.path, to: path)
      if code != 0 { throw FileAccessError(code: code, path: path, operation: "write") }
    }
    if isDurable { try DiskSynchronization.synchronize(parent.path) }
  }

  /// Removes a folder with all that is in it; it loses its name at once, so that no part of it is
  /// ever taken for the whole.
  ///
  /// - Parameter prefix: What the name begins with that it has while it is removed.
  package static func remove(_ url: URL, prefix: String) throws(FileAccessError) {
    let path = try FileStatus.path(of: url)
    let hidden = hidden(prefix, in: url.deletingLastPathComponent()).path
    var code: Int32 = 0
    let result = TemporaryPaths.shared.create(hidden) {
      let result = rename(path, hidden)
      code = errno
      return result
    }
    if result != 0 { throw FileAccessError(code: code, path: path, operation: "remove") }
    TemporaryPaths.shared.remove(hidden)
  }

  /// Removes what a process left behind that ended while it had temporary folders in a folder, if
  /// all of `prefix` are its own.
  package static func removeLeftovers(_ prefix: String, in folder: URL) throws(FileAccessError) {
    for name in try FolderListing.names(in: folder)
    where name.utf8.starts(with: prefix.utf8) && name.utf8.reversed().starts(with: "pmt.".utf8) {
      try remove(folder.appendingPathComponent(name), prefix: prefix)
    }
  }

  private static func hidden(_ prefix: String, in parent: URL) -> URL {
    let random = String(UInt64.random(in: 0 ... .max), radix: 36)
    return parent.appendingPathComponent("\(prefix)\(random).tmp", isDirectory: true)
  }

  /// Whether a folder has this path, no link to one.
  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
