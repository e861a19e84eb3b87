import Foundation

extension SafetensorsError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .inaccessible(let error):
      return error.description
    case .json(let error):
      return error.description
    case .tooShort(let file, let byteCount):
      return place(file) + "has \(byteCount) bytes, expected at least the 8 of the header's length"
    case .headerTooLarge(let file, let declared, let limit):
      return place(file)
        + "is not a safetensors file: its first 8 bytes declare a header of \(declared) bytes, "
        + "expected at most \(limit)"
    case .headerExceedsFile(let file, let declared, let available):
      return place(file) + "declares a header of \(declared) bytes, but only \(available) follow"
    case .headerStart(let file, nil):
      return place(file) + "has an empty header, expected '{'"
    case .headerStart(let file, let found?):
      let byte = (found < 16 ? "0" : "") + String(found, radix: 16, uppercase: true)
      return place(file) + "has a header that begins with byte 0x\(byte), expected '{'"
    case .truncatedData(let file, let expected, let actual):
      return place(file)
        + "is cut off: its tensors need \(expected) bytes after the header, it has \(actual)"
    case .trailingBytes(let file, let expected, let actual):
      return place(file)
        + "has \(actual) bytes after the header, but its tensors end after \(expected)"
    case .writerClosed(let file):
      return place(file) + "the writer is closed, expected all bytes before it finishes"

    case .unsupportedDType(let file, let tensor, let dtype):
      let known = SafetensorsDType.allCases.map(\.name).joined(separator: " ")
      return place(file, tensor)
        + "has the type '\(printable(dtype, limit: 40))', expected one of \(known)"
    case .unsupportedField(let file, let tensor, let field):
      return place(file, tensor)
        + "has the field '\(printable(field))', expected only dtype, shape and data_offsets"
    case .shapeOverflow(let file, let tensor, let dtype, let shape):
      return place(file, tensor)
        + "(\(dtype) \(text(shape))) has more bytes than 63 bits can count"
    case .offsetsReversed(let file, let tensor, let begin, let end):
      return place(file, tensor)
        + "has data_offsets [\(begin), \(end)], expected an end that is not before the begin"
    case .byteCountMismatch(let file, let tensor, let dtype, let shape, let expected, let actual):
      return place(file, tensor)
        + "(\(dtype) \(text(shape))) needs \(expected) bytes, data_offsets spans \(actual)"
    case .overlap(let file, let tensor, let begin, let previous, let previousEnd):
      return place(file, tensor)
        + "begins at byte \(begin), but tensor '\(printable(previous))' ends at \(previousEnd)"
    case .hole(let file, let tensor, let begin, let expected):
      return place(file, tensor)
        + "begins at byte \(begin), expected \(expected): the bytes between have no tensor"

    case .tensorNotFound(let file, let tensor):
      return place(file, tensor) + "is missing"
    case .shapeMismatch(let file, let tensor, let expected, let actual):
      return place(file, tensor) + "has the shape \(text(actual)), expected \(text(expected))"
    case .conversion(let file, let tensor, let dtype, let wanted):
      return place(file, tensor)
        + "has the type \(dtype), expected one that can be read as \(wanted) without loss"
    case .integerOverflow(let file, let tensor, let index, let value):
      return place(file, tensor)
        + "holds \(value) at element \(index), expected at most \(Int64.max)"
    case .elementsOutOfRange(let file, let tensor, let range, let count):
      return place(file, tensor) + "has \(count) elements, but elements \(range) were asked for"

    case .noWeights(let folder):
      return place(folder) + "holds neither model.safetensors nor model.safetensors.index.json"
    case .emptyWeightMap(let index):
      return place(index) + "lists no tensor in its weight_map, expected at least one"
    case .shardOutsideFolder(let index, let tensor, let shard):
      return place(index, tensor)
        + "is said to be in '\(printable(shard))', expected a file inside the folder"
    case .missingShard(let index, let tensor, let shard):
      return place(index, tensor)
        + "is said to be in '\(printable(shard))', but the folder has no such file"
    case .tensorNotInShard(let index, let tensor, let shard):
      return place(index, tensor)
        + "is said to be in '\(printable(shard))', but that file does not hold it"
    case .tensorNotInIndex(let index, let tensor, let shard):
      return place(index, tensor) + "is in '\(printable(shard))', but the index does not list it"
    case .tensorInTwoShards(let index, let tensor, let first, let second):
      return place(index, tensor)
        + "is in both '\(printable(first))' and '\(printable(second))', expected it once"

    case .reservedName(let file, let tensor):
      return place(file, tensor)
        + "cannot be written under this name, which the format reserves for metadata"
    case .duplicateTensor(let file, let tensor):
      return place(file, tensor) + "is given twice, expected each name once"
    case .invalidShape(let file, let tensor, let shape):
      return place(file, tensor)
        + "has the shape \(text(shape)), expected sizes from 0 whose bytes 63 bits can count"
    case .contentMismatch(let file, let tensor, let expected, let actual):
      return place(file, tensor) + "needs \(expected) bytes, but \(actual) were written"
    }
  }

  private func place(_ file: String) -> String { "\(printable(file, limit: 1024)): " }

  private func place(_ file: String, _ tensor: String) -> String {
    "\(place(file))tensor '\(printable(tensor))' "
  }

  private func text(_ shape: [Int]) -> String {
    let shown = shape.prefix(16).map(String.init).joined(separator: ", ")
    return "[" + shown + (shape.count > 16 ? ", …]" : "]")
  }
}

extension SafetensorsError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
