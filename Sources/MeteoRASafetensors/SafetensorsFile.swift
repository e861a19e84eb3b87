import Foundation

/// A safetensors file: its tensors and its metadata.
///
/// The whole header is checked when the file is opened; the data are read when a tensor is, so
/// opening one of many gigabytes costs the time to read its header. The file stays open. Replacing
/// it by a rename, or removing it, is harmless. If it is made shorter in place, reading numbers
/// that are gone is an error; touching them in the mapping of
/// ``SafetensorsTensor/withUnsafeBytes(_:)`` ends the process.
///
/// ```swift
/// let file = try SafetensorsFile(contentsOf: url)
/// let weight = try file.tensor(named: "model.norm.weight", shape: [4096])
/// let values = try weight.float32Values()
/// ```
public final class SafetensorsFile: SafetensorsSource {
  /// The path of the file, or the name given to its bytes.
  public let location: String
  /// The tensors in the order of their data.
  public let tensors: [SafetensorsTensor]
  /// The texts under `__metadata__`; `nil` if the file has no such entry.
  public let metadata: SafetensorsMetadata?
  private let positions: [[UInt8]: Int]

  /// Opens a file.
  ///
  /// - Parameter url: The address of a regular file; a folder, pipe or device is refused.
  /// - Throws: ``SafetensorsError``, whose `category` tells a malformed file from one that is
  ///   valid but not taken here, and both from one that cannot be read.
  public convenience init(contentsOf url: URL) throws(SafetensorsError) {
    let file: MappedFile
    do throws(FileAccessError) {
      file = try MappedFile(url)
    } catch {
      throw .inaccessible(error)
    }
    try self.init(SafetensorsStorage(mapping: file))
  }

  /// Reads a file that is in memory.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - source: The name that errors give it.
  /// - Throws: ``SafetensorsError`` as ``init(contentsOf:)`` does.
  public convenience init(bytes: [UInt8], source: String) throws(SafetensorsError) {
    try self.init(SafetensorsStorage(bytes: bytes, source: source))
  }

  private init(_ storage: SafetensorsStorage) throws(SafetensorsError) {
    let header = try storage.withUnsafeBytes { bytes throws(SafetensorsError) in
      try SafetensorsHeader(of: bytes, source: storage.source)
    }
    var tensors: [SafetensorsTensor] = []
    var positions: [[UInt8]: Int] = [:]
    tensors.reserveCapacity(header.entries.count)
    positions.reserveCapacity(header.entries.count)
    for entry in header.entries {
      positions[entry.name] = tensors.count
      let begin = header.dataStart + entry.range.lowerBound
      tensors.append(
        SafetensorsTensor(
          name: String(decoding: entry.name, as: UTF8.self), dtype: entry.dtype,
          shape: entry.shape, elementCount: entry.elementCount,
          byteRange: begin..<(begin + entry.range.count), storage: storage))
    }
    location = storage.source
    metadata = header.metadata
    self.tensors = tensors
    self.positions = positions
  }

  public func tensorIfPresent(named name: String) -> SafetensorsTensor? {
    positions[Array(name.utf8)].map { tensors[$0] }
  }
}
