import Foundation

/// The names of what is in a folder.
package enum FolderListing {
  /// Lists a folder, in the order of the names' UTF-8 bytes.
  ///
  /// - Throws: ``FileAccessError`` if nothing is there, it is a file, or it may not be listed.
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
      let name = withUnsafePointer(to: &entry.pointee.d_name) { characters in
        characters.withMemoryRebound(
          to: CChar.self, capacity: MemoryLayout.size(ofValue: characters.pointee)
        ) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    if errno != 0 { throw FileAccessError(code: errno, path: path, operation: "list") }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
