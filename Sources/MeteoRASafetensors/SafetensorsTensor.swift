/// A named tensor in a file: its description, and the way to its bytes.
///
/// Cheap to copy. It keeps the file's memory alive, so it may outlive the ``SafetensorsFile`` or
/// ``SafetensorsCheckpoint`` that it came from.
public struct SafetensorsTensor: Sendable {
  /// The name; compare its UTF-8 bytes, since `==` merges names that differ only in how Unicode
  /// composes them.
  public let name: String
  /// The type of the elements.
  public let dtype: SafetensorsDType
  /// The sizes, outermost first; the data are row-major. Empty for a scalar.
  public let shape: [Int]
  /// The product of the sizes; 1 for a scalar.
  public let elementCount: Int
  /// The place of the data in the file, in bytes from its beginning. Need not be aligned.
  public let byteRange: Range<Int>
  let storage: SafetensorsStorage

  /// The path of the file that holds the tensor, or the name given to its bytes.
  public var file: String { storage.source }

  /// The size of the data in bytes.
  public var byteCount: Int { byteRange.count }

  /// Calls `body` with the tensor's data as they stand in the file: little-endian, row-major and
  /// not necessarily aligned, so read elements with `loadUnaligned`.
  ///
  /// The pointer is valid until `body` returns. It leads into a mapping of the file: pages are read
  /// when they are touched, and count as memory of this process as long as the file is open.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeBytes { file throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: file[byteRange]))
    }
  }
}

extension SafetensorsTensor {
  /// Fills a buffer with the tensor's bytes from `offset` on, as they stand in the file.
  ///
  /// For what is needed once: unlike ``withUnsafeBytes(_:)`` it maps nothing, and a file that was
  /// made shorter in place is an error.
  ///
  /// - Precondition: The tensor has as many bytes from there on.
  /// - Throws: ``SafetensorsError/inaccessible(_:)``.
  package func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SafetensorsError) {
    precondition(offset >= 0 && buffer.count <= byteCount - offset)
    try storage.read(at: byteRange.lowerBound + offset, into: buffer)
  }

  /// Some of the tensor's bytes, read as ``read(at:into:)`` does.
  package func bytes(in range: Range<Int>) throws(SafetensorsError) -> [UInt8] {
    // An array without elements is one for all threads, which none of them may write to.
    if range.isEmpty { return [] }
    return try Array(unsafeUninitializedCapacity: range.count) {
      buffer, count throws(SafetensorsError) in
      let bytes = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
      try read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(bytes))
      count = range.count
    }
  }

  /// Whether type, shape and every byte are those of `other`.
  ///
  /// - Throws: ``SafetensorsError/inaccessible(_:)``.
  package func isIdentical(to other: SafetensorsTensor) throws(SafetensorsError) -> Bool {
    guard dtype == other.dtype, shape == other.shape else { return false }
    for first in stride(from: 0, to: byteCount, by: Self.pieceBytes) {
      let piece = first..<min(first + Self.pieceBytes, byteCount)
      guard try bytes(in: piece) == other.bytes(in: piece) else { return false }
    }
    return true
  }

  /// Bytes that are read at once where not all are needed together.
  static let pieceBytes = 256 << 10
}

/// The bytes of one file: mapped, or in memory.
final class SafetensorsStorage: Sendable {
  private enum Content: Sendable {
    case mapped(MappedFile)
    case memory([UInt8])
  }

  private let content: Content
  /// The path of the file, or the name given to the bytes.
  let source: String

  init(mapping file: MappedFile) {
    content = .mapped(file)
    source = file.path
  }

  init(bytes: [UInt8], source: String) {
    content = .memory(bytes)
    self.source = source
  }

  func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch content {
    case .mapped(let file): return try file.withUnsafeBytes(body)
    case .memory(let bytes):
      return try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
        try body(UnsafeRawBufferPointer(bytes))
      }
    }
  }

  /// Fills a buffer with the bytes of the file from `offset` on, which have to be there.
  func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SafetensorsError) {
    switch content {
    case .mapped(let file):
      do throws(FileAccessError) {
        try file.read(at: offset, into: buffer)
      } catch {
        throw .inaccessible(error)
      }
    case .memory(let bytes):
      bytes.withUnsafeBytes {
        buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count]))
      }
    }
  }
}
