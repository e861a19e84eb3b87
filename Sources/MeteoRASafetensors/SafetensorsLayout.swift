// SafetensorsLayout: where each tensor goes, and the header that says so.
//
// Found by experiment with the `safetensors` package (0.4.5 to 0.8.0 agree; the fixtures hold files
// of 0.8.0): tensors by type in a fixed order, then by the UTF-8 bytes of the name; JSON without
// spaces; `__metadata__` first, absent if not given and `{}` if given empty; of the characters only
// `"`, `\` and U+0000…U+001F escaped, the latter as \b \t \n \f \r or with lower-case \u00xx; the
// header filled with spaces to a multiple of 8.

struct SafetensorsLayout {
  /// The 8 bytes of the length, and the header.
  let header: [UInt8]
  /// The place of each tensor in the file, in the file's order.
  let places: [Range<Int>]
  let names: [String]
  let dtypes: [SafetensorsDType]
  /// The number of each tensor in that order, by the bytes of its name.
  let positions: [[UInt8]: Int]

  init(
    of tensors: [SafetensorsWriter.Declaration], metadata: SafetensorsMetadata?, file: String
  ) throws(SafetensorsError) {
    let sorted = tensors.sorted { left, right in
      if left.dtype != right.dtype { return left.dtype.writingRank < right.dtype.writingRank }
      return left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
    var json: [UInt8] = [UInt8(ascii: "{")]
    if let metadata { Self.append(metadata, to: &json) }
    var ranges: [Range<Int>] = []
    var positions: [[UInt8]: Int] = [:]
    var end = 0
    for tensor in sorted {
      if tensor.name.utf8.elementsEqual(SafetensorsHeader.metadataName.utf8) {
        throw .reservedName(file: file, tensor: tensor.name)
      }
      if positions.updateValue(ranges.count, forKey: Array(tensor.name.utf8)) != nil {
        throw .duplicateTensor(file: file, tensor: tensor.name)
      }
      guard let size = tensor.dtype.size(of: tensor.shape) else {
        throw .invalidShape(file: file, tensor: tensor.name, shape: tensor.shape)
      }
      // Room for the header stays below 2⁶³ too.
      let (next, overflow) = end.addingReportingOverflow(size.bytes)
      if overflow || next > Int.max - 2 * SafetensorsHeader.largestHeader {
        throw .invalidShape(file: file, tensor: tensor.name, shape: tensor.shape)
      }
      ranges.append(end..<next)
      Self.append(tensor, at: end..<next, to: &json)
      end = next
    }
    json.append(UInt8(ascii: "}"))
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
    if json.count > SafetensorsHeader.largestHeader {
      throw .headerTooLarge(
        file: file, declared: UInt64(json.count), limit: SafetensorsHeader.largestHeader)
    }
    let dataStart = 8 + json.count
    header = withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
    places = ranges.map { ($0.lowerBound + dataStart)..<($0.upperBound + dataStart) }
    names = sorted.map(\.name)
    dtypes = sorted.map(\.dtype)
    self.positions = positions
  }

  private static func append(_ metadata: SafetensorsMetadata, to json: inout [UInt8]) {
    JSONOutput.appendString(SafetensorsHeader.metadataName, to: &json)
    json += ":{".utf8
    for (number, entry) in metadata.entries.enumerated() {
      if number > 0 { json.append(UInt8(ascii: ",")) }
      JSONOutput.appendString(entry.key, to: &json)
      json.append(UInt8(ascii: ":"))
      JSONOutput.appendString(entry.value, to: &json)
    }
    json.append(UInt8(ascii: "}"))
  }

  private static func append(
    _ tensor: SafetensorsWriter.Declaration, at range: Range<Int>, to json: inout [UInt8]
  ) {
    if json.count > 1 { json.append(UInt8(ascii: ",")) }
    JSONOutput.appendString(tensor.name, to: &json)
    json += ":{\"dtype\":\"\(tensor.dtype.name)\",\"shape\":[".utf8
    json += tensor.shape.map(String.init).joined(separator: ",").utf8
    json += "],\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}".utf8
  }
}
