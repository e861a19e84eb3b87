import Foundation

/// A reason why a file cannot be read or written, before anybody looks at its content.
public enum FileAccessError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing is at `path`; for a file to be written, its folder is missing.
  case notFound(path: String)
  /// A folder is at `path`.
  case isFolder(path: String)
  /// A file is at `path`.
  case isFile(path: String)
  /// Something that is neither a file nor a folder is at `path`; `kind` says what.
  case notRegularFile(path: String, kind: String)
  /// `path` leads into `folder`, where the system shows devices or processes and nobody can make a
  /// file.
  case notForFiles(path: String, folder: String)
  /// Something is at `path` already, where something new is to be made.
  case alreadyThere(path: String)
  /// The system denies the `operation` ("read", "write", …).
  case noPermission(path: String, operation: String)
  /// A folder holds something whose name is not UTF-8 text; `name` shows every byte that is not
  /// ASCII as `\x` and two hexadecimal digits.
  case nameNotUTF8(folder: String, name: String)
  /// The file at `path` ended after `actual` bytes while it was read, though it had `expected` or
  /// more when it was opened.
  case shortened(path: String, expected: Int, actual: Int)
  /// The address is not one of a file on this machine.
  case notFileURL(String)
  /// The `operation` fails with the system's error number `code`.
  case system(path: String, operation: String, code: Int32)

  /// Names the cause of a failed system call from its `errno`.
  package init(code: Int32, path: String, operation: String) {
    switch code {
    case ENOENT, ENOTDIR: self = .notFound(path: path)
    case EISDIR: self = .isFolder(path: path)
    case EEXIST, ENOTEMPTY: self = .alreadyThere(path: path)
    case EACCES, EPERM, EROFS: self = .noPermission(path: path, operation: operation)
    default: self = .system(path: path, operation: operation, code: code)
    }
  }

  public var description: String {
    switch self {
    case .notFound(let path):
      return "\(printable(path, limit: 1024)): no such file or folder"
    case .isFolder(let path):
      return "\(printable(path, limit: 1024)): is a folder, expected a file"
    case .isFile(let path):
      return "\(printable(path, limit: 1024)): is a file, expected a folder"
    case .notRegularFile(let path, let kind):
      return "\(printable(path, limit: 1024)): is \(kind), expected a file"
    case .notForFiles(let path, let folder):
      return
        "\(printable(path, limit: 1024)): leads into \(folder), which is not for files, expected "
        + "a path in another folder"
    case .alreadyThere(let path):
      return "\(printable(path, limit: 1024)): is there already, expected a new path"
    case .noPermission(let path, let operation):
      return "\(printable(path, limit: 1024)): no permission to \(operation)"
    case .nameNotUTF8(let folder, let name):
      return
        "\(printable(folder, limit: 1024)): holds the name '\(printable(name, limit: 1024))', which "
        + "is not UTF-8 text, expected names that are"
    case .shortened(let path, let expected, let actual):
      return
        "\(printable(path, limit: 1024)): ends after \(actual) bytes, expected at least \(expected): "
        + "it was made shorter while it was read"
    case .notFileURL(let address):
      return "\(printable(address, limit: 1024)): is not the address of a file on this machine"
    case .system(let path, let operation, let code):
      let reason = String(cString: strerror(code))
      return "\(printable(path, limit: 1024)): cannot \(operation): \(reason) (error \(code))"
    }
  }
}

/// What the file system says about a path.
package enum FileStatus {
  /// Whether something has this path, be it a symbolic link that leads nowhere, or may have it
  /// where the system does not let one look: a reader then tells what is wrong with it.
  package static func isThere(_ url: URL) -> Bool {
    guard url.isFileURL else { return false }
    var status = stat()
    return lstat(url.path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
  }

  /// Whether a symbolic link is there that leads nowhere, or in a ring.
  package static func isDanglingLink(_ url: URL) -> Bool {
    var status = stat()
    return url.isFileURL && lstat(url.path, &status) == 0 && stat(url.path, &status) != 0
      && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
  }

  /// Refuses whatever is not a regular file, without opening it: a named pipe would wait for its
  /// other end.
  ///
  /// - Returns: The size in bytes.
  static func sizeOfRegularFile(_ status: stat, path: String) throws(FileAccessError) -> Int {
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw .isFolder(path: path)
    case S_IFIFO: throw .notRegularFile(path: path, kind: "a named pipe")
    case S_IFSOCK: throw .notRegularFile(path: path, kind: "a socket")
    case S_IFCHR, S_IFBLK: throw .notRegularFile(path: path, kind: "a device")
    default: throw .notRegularFile(path: path, kind: "a special file")
    }
  }

  /// The path of a file URL.
  package static func path(of url: URL) throws(FileAccessError) -> String {
    guard url.isFileURL else { throw .notFileURL(url.absoluteString) }
    return url.path
  }
}

extension FileAccessError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
