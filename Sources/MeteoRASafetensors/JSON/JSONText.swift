/// Reads the text of string nodes, whose bytes the parser has validated.
enum JSONText {
  /// Appends a string's UTF-8 with its escapes resolved.
  static func append(
    _ node: JSONNode, in input: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
  ) {
    let range = Int(node.start)..<Int(node.end)
    guard node.kind == .escapedString else {
      output.append(contentsOf: UnsafeBufferPointer(rebasing: input[range]))
      return
    }
    output.reserveCapacity(output.count + range.count)
    var position = range.lowerBound
    while position < range.upperBound {
      let byte = input[position]
      guard byte == UInt8(ascii: "\\") else {
        output.append(byte)
        position += 1
        continue
      }
      let escape = input[position + 1]
      position += 2
      guard escape == UInt8(ascii: "u") else {
        output.append(byteEscaped(by: escape))
        continue
      }
      let scalar = unicodeEscape(at: &position, in: input)
      if let encoded = UTF8.encode(scalar) { output.append(contentsOf: encoded) }
    }
  }

  /// Calls `body` with a string's UTF-8, decoded into `scratch` only if it has escapes.
  static func withUTF8<Result>(
    of node: JSONNode, in input: UnsafeBufferPointer<UInt8>, scratch: inout [UInt8],
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    guard node.kind == .escapedString else {
      return body(UnsafeBufferPointer(rebasing: input[Int(node.start)..<Int(node.end)]))
    }
    scratch.removeAll(keepingCapacity: true)
    append(node, in: input, to: &scratch)
    return scratch.withUnsafeBufferPointer(body)
  }

  /// Whether a string's UTF-8, escapes resolved, is `text`.
  static func equals(
    _ node: JSONNode, _ text: UnsafeBufferPointer<UInt8>, in input: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    let rawLength = Int(node.end - node.start)
    if node.kind != .escapedString && rawLength != text.count { return false }
    // An escape is longer than what it stands for, by at most six bytes for one.
    if rawLength < text.count || rawLength > 6 * text.count { return false }
    var decoded: [UInt8] = []
    return withUTF8(of: node, in: input, scratch: &decoded) { $0.elementsEqual(text) }
  }

  /// The byte that the two-character escape `\` + `letter` stands for; 0 if there is none.
  static func byteEscaped(by letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return letter
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "f"): return 0x0C
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "t"): return 0x09
    default: return 0
    }
  }

  /// The value of a hexadecimal digit; `nil` for any other byte.
  static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): return UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): return UInt32(byte - UInt8(ascii: "A")) + 10
    default: return nil
    }
  }

  /// The scalar of a validated `\uXXXX`, or pair of them, whose first digit is at `position`.
  private static func unicodeEscape(
    at position: inout Int, in input: UnsafeBufferPointer<UInt8>
  ) -> Unicode.Scalar {
    var unit = fourDigits(at: position, in: input)
    position += 4
    if unit >= 0xD800 && unit < 0xDC00 {
      let low = fourDigits(at: position + 2, in: input)
      position += 6
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low &- 0xDC00)
    }
    return Unicode.Scalar(unit) ?? "\u{FFFD}"
  }

  private static func fourDigits(at position: Int, in input: UnsafeBufferPointer<UInt8>) -> UInt32 {
    var unit: UInt32 = 0
    for offset in 0..<4 { unit = unit << 4 | (hexDigit(input[position + offset]) ?? 0) }
    return unit
  }
}
