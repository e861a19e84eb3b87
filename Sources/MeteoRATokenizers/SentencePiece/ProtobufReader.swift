// ProtobufReader: the fields of a message in the wire format of Protocol Buffers, by hand.
//
//   message = (key value)*      key = varint: field number << 3 | wire type
//   wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes; 3 and 4 are groups
//
// Nothing is copied and nothing recurses: a message inside a message is a range of the same bytes,
// which its reader asks for. A field with a number that nobody asks for is skipped by its wire
// type.

/// Reads the fields of one message, one after the other.
struct ProtobufReader {
  /// A field, with its value where the value stands in the key's neighbourhood.
  struct Field {
    let number: Int
    let value: Value
    /// Where the field's key begins in the file.
    let offset: Int
  }

  /// The value of a field by its wire type.
  enum Value: Equatable {
    case varint(UInt64)
    case eightBytes
    case fourBytes(UInt32)
    /// Where the bytes stand in the file.
    case bytes(Range<Int>)
  }

  private let bytes: UnsafeRawBufferPointer
  private let source: String
  private let end: Int
  private var position: Int

  /// - Parameters:
  ///   - range: Where the message stands in `bytes`.
  ///   - source: The name of the file in errors.
  init(_ bytes: UnsafeRawBufferPointer, range: Range<Int>, source: String) {
    self.bytes = bytes
    self.source = source
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field; `nil` at the end of the message.
  mutating func next() throws(TokenizerError) -> Field? {
    if position == end { return nil }
    let offset = position
    let key = try varint(of: "a field's key")
    let number = key >> 3
    if number == 0 || number > 0x1FFF_FFFF {
      throw malformed(at: offset, "the field number \(number), expected 1 to 536870911")
    }
    return Field(number: Int(number), value: try value(wireType: key & 7), offset: offset)
  }

  private mutating func value(wireType: UInt64) throws(TokenizerError) -> Value {
    let offset = position
    switch wireType {
    case 0:
      return .varint(try varint(of: "an integer"))
    case 1:
      _ = try take(8)
      return .eightBytes
    case 2:
      let length = try varint(of: "a length")
      if length > UInt64(end - position) {
        throw malformed(
          at: offset, "the length \(length), expected at most the \(end - position) bytes left")
      }
      return .bytes(try take(Int(length)))
    case 5:
      let range = try take(4)
      return .fourBytes(
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt32.self))
      )
    default:
      throw malformed(at: offset, "the wire type \(wireType), expected 0, 1, 2 or 5")
    }
  }

  private mutating func take(_ count: Int) throws(TokenizerError) -> Range<Int> {
    if count > end - position {
      throw malformed(
        at: position, "\(end - position) bytes before the message ends, expected \(count)")
    }
    position += count
    return position - count..<position
  }

  private mutating func varint(of name: String) throws(TokenizerError) -> UInt64 {
    let offset = position
    var value: UInt64 = 0
    for shift in stride(from: 0 as UInt64, to: 70, by: 7) {
      guard position < end else {
        throw malformed(at: offset, "the end of the message inside \(name), expected all of it")
      }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw malformed(at: offset, "\(name) of more than 10 bytes, expected at most 10")
  }

  private func malformed(at offset: Int, _ found: String) -> TokenizerError {
    .malformed(source: source, problem: "byte \(offset): found \(found)")
  }
}
