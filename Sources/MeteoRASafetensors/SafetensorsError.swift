/// A reason why a safetensors file, or a folder of them, is not read or written as asked.
///
/// Every case names the file; the description is one sentence. ``category`` tells a file that
/// breaks the format from one that is valid but not taken here.
public enum SafetensorsError: Error, Equatable, Sendable {
  // MARK: Files and headers

  /// The file cannot be opened, read or written.
  case inaccessible(FileAccessError)
  /// The file has no room for the 8-byte length of the header.
  case tooShort(file: String, byteCount: Int)
  /// The length prefix declares more header than the format allows.
  case headerTooLarge(file: String, declared: UInt64, limit: Int)
  /// The length prefix declares more header than the file holds.
  case headerExceedsFile(file: String, declared: UInt64, available: Int)
  /// The header's first byte is not `{`; `nil` if the header is empty.
  case headerStart(file: String, found: UInt8?)
  /// A header, or an index of shards, is not the JSON that the format asks for.
  case json(JSONError)

  // MARK: Tensors in a header

  /// The tensor's type is not one of ``SafetensorsDType``.
  case unsupportedDType(file: String, tensor: String, dtype: String)
  /// The tensor's entry has a field that the format does not define.
  case unsupportedField(file: String, tensor: String, field: String)
  /// The tensor's number of bytes does not fit 63 bits.
  case shapeOverflow(file: String, tensor: String, dtype: SafetensorsDType, shape: [Int])
  /// `data_offsets` ends before it begins.
  case offsetsReversed(file: String, tensor: String, begin: Int, end: Int)
  /// `shape` and `dtype` need `expected` bytes, `data_offsets` spans `actual`.
  case byteCountMismatch(
    file: String, tensor: String, dtype: SafetensorsDType, shape: [Int], expected: Int, actual: Int)
  /// The tensor begins before the tensor `previous` ends.
  case overlap(file: String, tensor: String, begin: Int, previous: String, previousEnd: Int)
  /// Bytes that belong to no tensor stand before the tensor.
  case hole(file: String, tensor: String, begin: Int, expected: Int)
  /// The file ends before the last tensor does.
  case truncatedData(file: String, expected: Int, actual: Int)
  /// Bytes follow the last tensor.
  case trailingBytes(file: String, expected: Int, actual: Int)

  // MARK: Reading tensors

  /// The file or folder has no tensor of this name.
  case tensorNotFound(file: String, tensor: String)
  /// The tensor does not have the shape that the caller needs.
  case shapeMismatch(file: String, tensor: String, expected: [Int], actual: [Int])
  /// The tensor's type cannot be read as `wanted` without loss.
  case conversion(file: String, tensor: String, dtype: SafetensorsDType, wanted: String)
  /// An element of a U64 tensor is larger than the largest 64-bit signed integer.
  case integerOverflow(file: String, tensor: String, index: Int, value: UInt64)
  /// Elements were asked for that the tensor does not have.
  case elementsOutOfRange(file: String, tensor: String, range: Range<Int>, count: Int)

  // MARK: Folders of shards

  /// The folder holds neither `model.safetensors` nor `model.safetensors.index.json`.
  case noWeights(folder: String)
  /// The index lists no tensor.
  case emptyWeightMap(index: String)
  /// The index names a shard that is not a path inside the folder.
  case shardOutsideFolder(index: String, tensor: String, shard: String)
  /// The folder lacks a shard that the index names.
  case missingShard(index: String, tensor: String, shard: String)
  /// A tensor is not in the shard in which the index says it is.
  case tensorNotInShard(index: String, tensor: String, shard: String)
  /// A shard holds a tensor that the index does not list.
  case tensorNotInIndex(index: String, tensor: String, shard: String)
  /// Two shards hold a tensor of the same name.
  case tensorInTwoShards(index: String, tensor: String, first: String, second: String)

  // MARK: Writing

  /// The name is the one that the format reserves for metadata.
  case reservedName(file: String, tensor: String)
  /// Two tensors to be written have the same name.
  case duplicateTensor(file: String, tensor: String)
  /// A shape to be written has a negative size, or more bytes than 63 bits count.
  case invalidShape(file: String, tensor: String, shape: [Int])
  /// A tensor got more or fewer bytes than its shape and type need.
  case contentMismatch(file: String, tensor: String, expected: Int, actual: Int)
  /// Bytes were written to a file that is finished or that a failure has ended.
  case writerClosed(file: String)

  /// What kind of reason an error is.
  public enum Category: Sendable {
    /// The bytes break the format.
    case malformed
    /// The bytes may be valid, but this package does not take them.
    case unsupported
    /// The file system denies access.
    case inaccessible
    /// The caller asked for, or gave, something that does not fit.
    case request
  }

  /// Whether the file, this package, the system or the caller is the reason.
  public var category: Category {
    switch self {
    case .inaccessible:
      return .inaccessible
    case .json(let error):
      if case .unreadable = error.problem { return .inaccessible }
      return .malformed
    case .unsupportedDType, .unsupportedField:
      return .unsupported
    case .tooShort, .headerTooLarge, .headerExceedsFile, .headerStart, .shapeOverflow,
      .offsetsReversed, .byteCountMismatch, .overlap, .hole, .truncatedData, .trailingBytes,
      .noWeights, .emptyWeightMap, .shardOutsideFolder, .missingShard, .tensorNotInShard,
      .tensorNotInIndex, .tensorInTwoShards:
      return .malformed
    case .tensorNotFound, .shapeMismatch, .conversion, .integerOverflow, .elementsOutOfRange,
      .reservedName, .duplicateTensor, .invalidShape, .contentMismatch, .writerClosed:
      return .request
    }
  }
}
