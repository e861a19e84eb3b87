import Foundation

/// Where a file that is to be written comes to lie once symbolic links are followed.
struct FileDestination {
  /// As the caller names it; for messages.
  let path: String
  /// The real path of an existing folder, and the name of the file in it, which is no link.
  let folder: String
  let name: String

  /// As many links as the system follows.
  private static let mostLinks = 40

  /// - Throws: ``FileAccessError`` if something other than a regular file is there, a folder on
  ///   the way is missing, or the way leads into `/dev` or `/proc`, even if it leads on to a
  ///   regular file: that of `/dev/stdout` is open already, and would be replaced while it is
  ///   written.
  init(of url: URL) throws(FileAccessError) {
    path = try FileStatus.path(of: url)
    var status = stat()
    if stat(path, &status) == 0 {
      _ = try FileStatus.sizeOfRegularFile(status, path: path)
    } else if errno == ELOOP {
      throw FileAccessError(code: errno, path: path, operation: "write")
    }
    var next = path
    for _ in 0...Self.mostLinks {
      let (parent, name) = Self.split(next)
      let folder = try Self.realFolder(parent)
      if let system = Self.systemFolder(of: folder) {
        throw .notForFiles(path: path, folder: system)
      }
      guard !name.isEmpty else { throw .notFound(path: next) }
      let place = Self.join(folder, name)
      guard let link = try Self.destination(ofLink: place) else {
        self.folder = folder
        self.name = name
        return
      }
      next = link.utf8.first == UInt8(ascii: "/") ? link : Self.join(folder, link)
    }
    throw .system(path: path, operation: "write", code: ELOOP)
  }

  /// The path of the file.
  var target: String { Self.join(folder, name) }

  /// A path for another file in the same folder.
  func sibling(_ name: String) -> String { Self.join(folder, name) }

  private static func join(_ folder: String, _ name: String) -> String {
    folder.utf8.last == UInt8(ascii: "/") ? folder + name : "\(folder)/\(name)"
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = String(decoding: path.utf8[..<slash], as: UTF8.self)
    let name = String(decoding: path.utf8[slash...].dropFirst(), as: UTF8.self)
    return (folder.isEmpty ? "/" : folder, name)
  }

  private static func realFolder(_ path: String) throws(FileAccessError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw FileAccessError(code: errno, path: path, operation: "write")
    }
    defer { free(resolved) }
    var status = stat()
    if stat(resolved, &status) != 0 {
      throw FileAccessError(code: errno, path: path, operation: "write")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .isFile(path: path) }
    guard let text = String(validatingCString: resolved) else {
      throw .system(path: path, operation: "resolve", code: EILSEQ)
    }
    return text
  }

  /// Throws if a path leads into `/dev` or `/proc`; that its folder is missing is for others to
  /// tell.
  static func requireNoSystemFolder(above path: String) throws(FileAccessError) {
    guard let folder = try? realFolder(split(path).folder), let system = systemFolder(of: folder)
    else { return }
    throw .notForFiles(path: path, folder: system)
  }

  /// The folder of devices or processes that a real folder belongs to; memory that is mounted
  /// below `/dev` holds files like any other.
  private static func systemFolder(of folder: String) -> String? {
    if folder.utf8.elementsEqual("/dev".utf8) || folder.utf8.elementsEqual("/dev/fd".utf8) {
      return "/dev"
    }
    let isProcess =
      folder.utf8.elementsEqual("/proc".utf8) || folder.utf8.starts(with: "/proc/".utf8)
    return isProcess ? "/proc" : nil
  }

  /// What a symbolic link says; `nil` for whatever is none, and for nothing.
  private static func destination(ofLink path: String) throws(FileAccessError) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    // One byte less than there are, so that the text always ends.
    let count = readlink(path, &bytes, bytes.count - 1)
    if count < 0 {
      if errno == EINVAL || errno == ENOENT { return nil }
      throw FileAccessError(code: errno, path: path, operation: "read")
    }
    let text = bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { String(validatingCString: $0) }
    }
    guard let text else {
      throw .system(path: path, operation: "resolve", code: EILSEQ)
    }
    return text
  }
}
