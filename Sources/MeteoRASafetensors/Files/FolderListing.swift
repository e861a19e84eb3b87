import Foundation

/// The names of what is in a folder.
package enum FolderListing {
  /// Lists a folder, in the order of the names' UTF-8 bytes.
  ///
  /// - Throws: ``FileAccessError`` if nothing is there, it is a file, or it may not be listed.
  package static func names(in folder: URL) throws(FileAccessError) -> [String] {
    let path = try FileStatus.path(of: folder)
    // Foundation's own errors do not tell these reasons apart on every system.
    guard let stream = opendir(path) else {
      let code = errno
      var status = stat()
      // A file on the way to a folder means that the folder is missing.
      if code == ENOTDIR, stat(path, &status) == 0 { throw .isFile(path: path) }
      throw FileAccessError(code: code, path: path, operation: "list")
    }
    closedir(stream)
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      // It was there a moment ago.
      throw .system(path: path, operation: "list", code: EIO)
    }
  }
}
