import Foundation

/// The bytes of a file, read by the system when they are first touched.
///
/// The mapping survives the file's removal and its replacement by a rename, which is how this
/// package writes. A file that another program makes *shorter* in place takes its pages away: a
/// later access ends the process with SIGBUS, as for every program that maps files.
package final class MappedFile: @unchecked Sendable {
  // Unchecked: the pointer is read-only memory that nobody writes, freed by the last reference.
  package let path: String
  private let memory: UnsafeRawBufferPointer

  /// Maps a regular file; a folder, pipe, socket or device is refused without opening it.
  ///
  /// - Throws: ``FileAccessError``.
  package init(_ url: URL) throws(FileAccessError) {
    path = try FileStatus.path(of: url)
    var status = stat()
    if stat(path, &status) != 0 {
      throw FileAccessError(code: errno, path: path, operation: "read")
    }
    _ = try FileStatus.sizeOfRegularFile(status, path: path)
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw FileAccessError(code: errno, path: path, operation: "read") }
    defer { close(descriptor) }
    // Again on what was opened: the path may have changed hands in between.
    if fstat(descriptor, &status) != 0 {
      throw FileAccessError(code: errno, path: path, operation: "read")
    }
    let size = try FileStatus.sizeOfRegularFile(status, path: path)
    if size == 0 {
      memory = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard
      let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
    else {
      throw FileAccessError(code: errno, path: path, operation: "map")
    }
    memory = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = memory.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), memory.count)
    }
  }

  /// Calls `body` with the whole file; the pointer is valid until `body` returns.
  package func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(self) { () throws(Failure) in try body(memory) }
  }
}
