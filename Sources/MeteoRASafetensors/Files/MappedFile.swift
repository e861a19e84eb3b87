import Foundation

/// The bytes of a file: read into a buffer, or mapped, and then read by the system when they are
/// first touched.
///
/// Both survive the file's removal and its replacement by a rename, which is how this package
/// writes. A file that another program makes *shorter* in place takes its pages away: reading them
/// into a buffer throws, touching the mapping ends the process with SIGBUS, as in every program
/// that maps files.
package final class MappedFile: @unchecked Sendable {
  // Unchecked: the pointer is read-only memory that nobody writes, freed by the last reference.
  package let path: String
  private let memory: UnsafeRawBufferPointer
  private let descriptor: OpenDescriptor
  /// The size of the file when it was opened.
  package var byteCount: Int { memory.count }

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
    self.descriptor = OpenDescriptor(descriptor)
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

  /// Fills a buffer with the bytes from an offset on.
  ///
  /// For what is needed once: the bytes come from the system's cache without being mapped, so they
  /// do not count as memory of this process.
  ///
  /// - Throws: ``FileAccessError``; ``FileAccessError/shortened(path:expected:actual:)`` if the
  ///   file has become too short.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer)
    throws(FileAccessError)
  {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor.number, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileAccessError(code: errno, path: path, operation: "read")
      }
      if count == 0 {
        var status = stat()
        fstat(descriptor.number, &status)
        throw .shortened(
          path: path, expected: offset + buffer.count, actual: Int(status.st_size))
      }
      done += count
    }
  }
}

/// A file that is closed with its owner.
private final class OpenDescriptor: Sendable {
  let number: Int32

  init(_ number: Int32) {
    self.number = number
  }

  deinit {
    close(number)
  }
}
