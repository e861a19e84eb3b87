import Foundation

/// Writes a safetensors file, byte for byte as the `safetensors` package does, tensor by tensor.
///
/// The tensors are declared first; their bytes may then come in any order and in pieces, so that
/// none of them needs to be whole in memory. The file appears under its name in ``finish()``,
/// complete; without that, nothing is left behind.
///
/// The order in the file is that of the `safetensors` package: by type (see ``SafetensorsDType``),
/// then by the UTF-8 bytes of the name. It writes metadata of several keys in an order that it
/// draws anew each time; here the order is that of ``SafetensorsMetadata``.
///
/// ```swift
/// let writer = try SafetensorsWriter(to: url, tensors: [.init("w", .f32, [2, 2])])
/// try writer.append([1, 2], to: "w")
/// try writer.append([3, 4], to: "w")
/// try writer.finish()
/// ```
public final class SafetensorsWriter {
  /// The name, type and shape of a tensor to be written.
  public struct Declaration: Sendable {
    /// The name; any text but `__metadata__`.
    public let name: String
    /// The type of the elements.
    public let dtype: SafetensorsDType
    /// The sizes, outermost first.
    public let shape: [Int]

    /// Declares a tensor of `shape`, outermost size first; a scalar has none.
    public init(_ name: String, _ dtype: SafetensorsDType, _ shape: [Int]) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
    }
  }

  private let location: String
  private let layout: SafetensorsLayout
  private var file: ReplacementFile?
  /// How many bytes each tensor of the layout has got.
  private var written: [Int]

  /// Begins a file.
  ///
  /// - Parameters:
  ///   - url: The file to be made, in an existing folder; an older file of that name stays as it
  ///     is until ``finish()``. A symbolic link is followed to the file that it leads to.
  ///   - tensors: The tensors, in any order.
  ///   - metadata: The texts under `__metadata__`; no such entry is written for `nil`.
  /// - Throws: ``SafetensorsError`` for a name that is given twice or reserved, a shape that has no
  ///   size, a header beyond the format's limit, or a file that cannot be made.
  public init(
    to url: URL, tensors: [Declaration], metadata: SafetensorsMetadata? = nil
  ) throws(SafetensorsError) {
    location = url.path
    layout = try SafetensorsLayout(of: tensors, metadata: metadata, file: url.path)
    written = Array(repeating: 0, count: layout.places.count)
    do throws(FileAccessError) {
      let file = try ReplacementFile(replacing: url)
      try layout.header.withUnsafeBufferPointer { header throws(FileAccessError) in
        try file.write(UnsafeRawBufferPointer(header), at: 0)
      }
      self.file = file
    } catch {
      throw .inaccessible(error)
    }
  }

  /// Appends bytes, little-endian and row-major, to what a tensor has got so far.
  ///
  /// - Throws: ``SafetensorsError/tensorNotFound(file:tensor:)`` for a name that was not declared,
  ///   ``SafetensorsError/contentMismatch(file:tensor:expected:actual:)`` for more bytes than the
  ///   tensor takes. After an error of the file system the writer is closed.
  public func append(
    bytes: UnsafeRawBufferPointer, to name: String
  ) throws(SafetensorsError) {
    guard let file else { throw .writerClosed(file: location) }
    guard let position = layout.positions[Array(name.utf8)] else {
      throw .tensorNotFound(file: location, tensor: name)
    }
    let place = layout.places[position]
    if bytes.count > place.count - written[position] {
      throw .contentMismatch(
        file: location, tensor: name, expected: place.count,
        actual: written[position] + bytes.count)
    }
    do throws(FileAccessError) {
      try file.write(bytes, at: place.lowerBound + written[position])
    } catch {
      self.file = nil
      throw .inaccessible(error)
    }
    written[position] += bytes.count
  }

  /// Appends elements to an F32 tensor.
  ///
  /// - Throws: As ``append(bytes:to:)``, and
  ///   ``SafetensorsError/conversion(file:tensor:dtype:wanted:)`` for a tensor of another type.
  public func append(_ values: [Float], to name: String) throws(SafetensorsError) {
    try append(values, to: name, dtype: .f32, wanted: "binary32") { $0.bitPattern.littleEndian }
  }

  /// Appends elements to an F64 tensor; throws as ``append(_:to:)-([Float],_)``.
  public func append(_ values: [Double], to name: String) throws(SafetensorsError) {
    try append(values, to: name, dtype: .f64, wanted: "binary64") { $0.bitPattern.littleEndian }
  }

  /// Appends elements to an I64 tensor; throws as ``append(_:to:)-([Float],_)``.
  public func append(_ values: [Int64], to name: String) throws(SafetensorsError) {
    try append(values, to: name, dtype: .i64, wanted: "64-bit integers") { $0.littleEndian }
  }

  private func append<Value, Raw: BitwiseCopyable>(
    _ values: [Value], to name: String, dtype: SafetensorsDType, wanted: String,
    _ encode: (Value) -> Raw
  ) throws(SafetensorsError) {
    if let position = layout.positions[Array(name.utf8)], layout.dtypes[position] != dtype {
      throw .conversion(
        file: location, tensor: name, dtype: layout.dtypes[position], wanted: wanted)
    }
    try values.map(encode).withUnsafeBufferPointer { elements throws(SafetensorsError) in
      try append(bytes: UnsafeRawBufferPointer(elements), to: name)
    }
  }

  /// Gives the complete file its name.
  ///
  /// - Throws: ``SafetensorsError/contentMismatch(file:tensor:expected:actual:)`` for the first
  ///   tensor that has not got all its bytes; the writer stays open then.
  public func finish() throws(SafetensorsError) {
    try finish(isDurable: false)
  }

  /// As ``finish()``.
  ///
  /// - Parameter isDurable: Whether to wait until the disk holds the file.
  package func finish(isDurable: Bool) throws(SafetensorsError) {
    guard let file else { throw .writerClosed(file: location) }
    for (position, place) in layout.places.enumerated() where written[position] != place.count {
      throw .contentMismatch(
        file: location, tensor: layout.names[position], expected: place.count,
        actual: written[position])
    }
    self.file = nil
    do throws(FileAccessError) {
      try file.commit(isDurable: isDurable)
    } catch {
      throw .inaccessible(error)
    }
  }

  /// Ends the writing and removes what was written so far.
  public func cancel() {
    file = nil
  }
}
