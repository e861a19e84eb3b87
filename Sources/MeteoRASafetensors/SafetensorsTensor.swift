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
  /// The pointer is valid until `body` returns.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeBytes { file throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: file[byteRange]))
    }
  }
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
}
