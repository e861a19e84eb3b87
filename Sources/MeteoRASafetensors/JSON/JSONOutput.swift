/// A JSON value to be written, its members in the order given.
///
/// The text is UTF-8; of the characters only `"`, `\` and U+0000…U+001F are escaped.
package indirect enum JSONOutput: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  /// The shortest decimal that reads back as the same number; `null` if it is not finite, which
  /// JSON cannot say.
  case number(Double)
  /// As `number`, for binary32.
  case float(Float)
  case string(String)
  case array([JSONOutput])
  case object([(key: String, value: JSONOutput)])

  /// The document in one line, without spaces and without a line feed at its end.
  package var line: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes, layout: nil)
    return bytes
  }

  /// The document with a line for every member and element, indented by two spaces, and a line
  /// feed at its end.
  package var page: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes, layout: 0)
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// - Parameter layout: The depth of indentation; `nil` for a single line.
  private func append(to bytes: inout [UInt8], layout: Int?) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += "\(value)".utf8
    case .integer(let value): bytes += "\(value)".utf8
    case .number(let value): bytes += (value.isFinite ? "\(value)" : "null").utf8
    case .float(let value): bytes += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let text): Self.appendString(text, to: &bytes)
    case .array(let elements):
      Self.appendList(elements, in: ("[", "]"), to: &bytes, layout: layout) {
        $1.append(to: &$0, layout: $2)
      }
    case .object(let members):
      Self.appendList(members, in: ("{", "}"), to: &bytes, layout: layout) {
        Self.appendString($1.key, to: &$0)
        $0 += ($2 == nil ? ":" : ": ").utf8
        $1.value.append(to: &$0, layout: $2)
      }
    }
  }

  private static func appendList<Item>(
    _ items: [Item], in brackets: (open: String, close: String), to bytes: inout [UInt8],
    layout: Int?, _ appendItem: (_ bytes: inout [UInt8], Item, _ layout: Int?) -> Void
  ) {
    bytes += brackets.open.utf8
    for (index, item) in items.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      let depth = layout.map { $0 + 1 }
      beginLine(depth, in: &bytes)
      appendItem(&bytes, item, depth)
    }
    if !items.isEmpty { beginLine(layout, in: &bytes) }
    bytes += brackets.close.utf8
  }

  private static func beginLine(_ depth: Int?, in bytes: inout [UInt8]) {
    guard let depth else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes += repeatElement(UInt8(ascii: " "), count: 2 * depth)
  }

  /// Appends a string with its quotes.
  package static func appendString(_ text: String, to json: inout [UInt8]) {
    json.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { bytes in
      var unescaped = 0
      for position in bytes.indices {
        guard needsEscape(bytes[position]) else { continue }
        json.append(contentsOf: bytes[unescaped..<position])
        json += escape(of: bytes[position]).utf8
        unescaped = position + 1
      }
      json.append(contentsOf: bytes[unescaped...])
    }
    json.append(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private static func escape(of byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "\""): return "\\\""
    case UInt8(ascii: "\\"): return "\\\\"
    case 0x08: return "\\b"
    case 0x09: return "\\t"
    case 0x0A: return "\\n"
    case 0x0C: return "\\f"
    case 0x0D: return "\\r"
    default: return "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
