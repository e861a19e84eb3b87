import Foundation

/// The names of what is in a folder.
package enum FolderListing {
  /// Lists a folder, in the order of the names' UTF-8 bytes.
  ///
  /// - Throws: ``FileAccessError`` if nothing is there, it is a file, it may not be listed, or
  ///   holds a name that is not UTF-8: a repaired one would lead nowhere.
  package static func names(in folder: URL) throws(FileAccessError) -> [String] {
    let path = try FileStatus.path(of: folder)
    // Foundation's own errors do not tell the reasons apart on every system.
    guard let stream = opendir(path) else {
      let code = errno
      var status = stat()
      // A file on the way to a folder means that the folder is missing.
      if code == ENOTDIR, stat(path, &status) == 0 { throw .isFile(path: path) }
      throw FileAccessError(code: code, path: path, operation: "list")
    }
    defer { closedir(stream) }
    var names: [String] = []
    // The end and a failure both return nothing; they differ by what `errno` is then.
    errno = 0
    while let entry = readdir(stream) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      let text = (bytes + [0]).withUnsafeBytes { buffer in
        buffer.assumingMemoryBound(to: CChar.self).baseAddress.flatMap {
          String(validatingCString: $0)
        }
      }
      guard let name = text else {
        throw .nameNotUTF8(folder: path, name: escaped(bytes))
      }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    if errno != 0 { throw FileAccessError(code: errno, path: path, operation: "list") }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// ASCII as it is, every other byte as `\xFF`.
  private static func escaped(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      byte < 0x80
        ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16, uppercase: true)
    }.joined()
  }
}
