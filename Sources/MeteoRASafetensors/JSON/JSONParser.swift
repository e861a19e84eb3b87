// JSONParser: bytes to nodes in one pass, RFC 8259 to the letter and without recursion.
//
// Open arrays and objects stand on a stack of at most `deepestNesting` frames, so no input can
// overflow the machine's stack. `byte` answers 0 past the end, which no rule of the grammar takes,
// so that every rule needs one comparison instead of two.

struct JSONParser {
  static let deepestNesting = 128
  /// 256 MiB, several times the largest tokenizer.json known. A node's offsets are 32 bits wide, and
  /// a hostile document takes up to eight times its size in nodes.
  static let largestDocument = 1 << 28

  private struct Frame {
    var node: Int
    var isObject: Bool
    var count: UInt32
  }

  private let input: UnsafeBufferPointer<UInt8>
  private let source: String
  private var position = 0
  private var stack: [Frame] = []
  private(set) var nodes: [JSONNode] = []
  private(set) var keyTables: [Int: JSONKeyTable] = [:]

  init(input: UnsafeBufferPointer<UInt8>, source: String) {
    self.input = input
    self.source = source
  }

  /// Reads the whole document into `nodes` and `keyTables`.
  mutating func parse() throws(JSONError) {
    try Self.checkSize(UnsafeRawBufferPointer(input), source: source)
    if input.starts(with: [0xEF, 0xBB, 0xBF]) { throw error(.byteOrderMark, at: 0) }
    stack.reserveCapacity(Self.deepestNesting)
    repeat {
      if try readValueOrOpen() { try finishValues() }
    } while !stack.isEmpty
    skipWhiteSpace()
    if position < input.count { throw error(.trailingByte(byte), at: position) }
  }

  /// Refuses a document beyond ``largestDocument``.
  static func checkSize(_ bytes: UnsafeRawBufferPointer, source: String) throws(JSONError) {
    if bytes.count <= largestDocument { return }
    let start = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    let problem = JSONError.Problem.tooLarge(byteCount: bytes.count, limit: largestDocument)
    throw JSONError(problem, at: 0, in: start, source: source)
  }

  // MARK: Structure

  private var byte: UInt8 { position < input.count ? input[position] : 0 }

  private mutating func skipWhiteSpace() {
    while true {
      switch byte {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  /// Reads a scalar or an empty container, or opens a container.
  ///
  /// - Returns: Whether a value is complete; otherwise another one follows.
  private mutating func readValueOrOpen() throws(JSONError) -> Bool {
    skipWhiteSpace()
    switch byte {
    case UInt8(ascii: "{"): return try open(.object)
    case UInt8(ascii: "["): return try open(.array)
    case UInt8(ascii: "\""): try readString()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try readNumber()
    case UInt8(ascii: "t"): try readWord("true", .true)
    case UInt8(ascii: "f"): try readWord("false", .false)
    case UInt8(ascii: "n"): try readWord("null", .null)
    default: throw unexpected("a value")
    }
    return true
  }

  private mutating func open(_ kind: JSONNode.Kind) throws(JSONError) -> Bool {
    if stack.count == Self.deepestNesting {
      throw error(.nestedTooDeeply(limit: Self.deepestNesting), at: position)
    }
    stack.append(Frame(node: nodes.count, isObject: kind == .object, count: 0))
    append(kind, from: position, to: position)
    position += 1
    skipWhiteSpace()
    if kind == .array {
      if byte != UInt8(ascii: "]") { return false }
    } else if byte != UInt8(ascii: "}") {
      try readKey(expected: "a key in quotes or '}'")
      return false
    }
    position += 1
    try close(stack.removeLast())
    return true
  }

  /// Reads what follows a complete value: a comma, or the ends of the containers around it.
  private mutating func finishValues() throws(JSONError) {
    while var frame = stack.popLast() {
      frame.count += 1
      skipWhiteSpace()
      if byte == UInt8(ascii: ",") {
        position += 1
        stack.append(frame)
        if frame.isObject {
          skipWhiteSpace()
          try readKey(expected: "a key in quotes")
        }
        return
      }
      guard byte == (frame.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        throw unexpected(frame.isObject ? "',' or '}'" : "',' or ']'")
      }
      position += 1
      try close(frame)
    }
  }

  private mutating func readKey(expected: String) throws(JSONError) {
    if byte != UInt8(ascii: "\"") { throw unexpected(expected) }
    try readString()
    skipWhiteSpace()
    if byte != UInt8(ascii: ":") { throw unexpected("':'") }
    position += 1
  }

  private mutating func close(_ frame: Frame) throws(JSONError) {
    nodes[frame.node].count = frame.count
    nodes[frame.node].end = UInt32(nodes.count)
    if frame.isObject && frame.count > 1 { try refuseDuplicateKeys(frame) }
  }

  private mutating func append(_ kind: JSONNode.Kind, from start: Int, to end: Int) {
    nodes.append(JSONNode(start: UInt32(start), end: UInt32(end), count: 0, kind: kind))
  }

  // MARK: Keys

  private mutating func refuseDuplicateKeys(_ frame: Frame) throws(JSONError) {
    let input = input
    let count = Int(frame.count)
    if count >= JSONKeyTable.smallestTabled {
      var table = JSONKeyTable(capacityFor: count)
      let duplicate = nodes.withUnsafeBufferPointer { nodes in
        Self.firstKey(of: frame.node, count: count, nodes: nodes) { key in
          table.insert(key, in: input, nodes: nodes) != nil
        }
      }
      if let duplicate { throw duplicateKey(duplicate) }
      keyTables[frame.node] = table
      return
    }
    let duplicate = nodes.withUnsafeBufferPointer { nodes in
      var decoded: [UInt8] = []
      return Self.firstKey(of: frame.node, count: count, nodes: nodes) { key in
        JSONText.withUTF8(of: nodes[key], in: input, scratch: &decoded) { text in
          let isEqual = { (earlier: Int) in JSONText.equals(nodes[earlier], text, in: input) }
          return Self.firstKey(of: frame.node, count: count, nodes: nodes, where: isEqual) != key
        }
      }
    }
    if let duplicate { throw duplicateKey(duplicate) }
  }

  /// The first of an object's keys that satisfies `predicate`.
  private static func firstKey(
    of object: Int, count: Int, nodes: UnsafeBufferPointer<JSONNode>,
    where predicate: (Int) -> Bool
  ) -> Int? {
    var key = object + 1
    for _ in 0..<count {
      if predicate(key) { return key }
      let value = nodes[key + 1]
      key = value.isContainer ? Int(value.end) : key + 2
    }
    return nil
  }

  private func duplicateKey(_ node: Int) -> JSONError {
    var text: [UInt8] = []
    JSONText.append(nodes[node], in: input, to: &text)
    let key = String(decoding: text, as: UTF8.self)
    return error(.duplicateKey(key), at: Int(nodes[node].start) - 1)
  }

  // MARK: Scalars

  private mutating func readWord(_ word: StaticString, _ kind: JSONNode.Kind) throws(JSONError) {
    let start = position
    for offset in 0..<word.utf8CodeUnitCount {
      if byte != word.utf8Start[offset] { throw unexpected("'\(word)'") }
      position += 1
    }
    append(kind, from: start, to: position)
  }

  private mutating func readNumber() throws(JSONError) {
    let start = position
    var kind = JSONNode.Kind.integer
    if byte == UInt8(ascii: "-") { position += 1 }
    if byte == UInt8(ascii: "0") {
      position += 1
      if isDigit(byte) { throw unexpected("no digit after a leading zero") }
    } else {
      try readDigits()
    }
    if byte == UInt8(ascii: ".") {
      kind = .number
      position += 1
      try readDigits()
    }
    if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
      kind = .number
      position += 1
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
      try readDigits()
    }
    append(kind, from: start, to: position)
  }

  private mutating func readDigits() throws(JSONError) {
    if !isDigit(byte) { throw unexpected("a digit") }
    while isDigit(byte) { position += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private mutating func readString() throws(JSONError) {
    position += 1
    let start = position
    var kind = JSONNode.Kind.string
    while true {
      switch byte {
      case UInt8(ascii: "\""):
        append(kind, from: start, to: position)
        position += 1
        return
      case UInt8(ascii: "\\"):
        kind = .escapedString
        try readEscape()
      case 0x20...0x7F:
        position += 1
      case 0..<0x20:
        if position >= input.count { throw unexpected("'\"' at the end of a string") }
        throw error(.controlCharacter(byte), at: position)
      default:
        try readMultibyteScalar()
      }
    }
  }

  private mutating func readEscape() throws(JSONError) {
    let start = position
    position += 1
    if byte != UInt8(ascii: "u") {
      if position >= input.count { throw unexpected("an escape after \\") }
      if JSONText.byteEscaped(by: byte) == 0 { throw error(.invalidEscape(byte), at: start) }
      position += 1
      return
    }
    let unit = try readFourDigits()
    if unit < 0xD800 || unit > 0xDFFF { return }
    guard unit < 0xDC00, byte == UInt8(ascii: "\\") else {
      throw error(.loneSurrogate(unit), at: start)
    }
    position += 1
    guard byte == UInt8(ascii: "u") else { throw error(.loneSurrogate(unit), at: start) }
    let low = try readFourDigits()
    if low < 0xDC00 || low > 0xDFFF { throw error(.loneSurrogate(unit), at: start) }
  }

  /// Reads the digits after the `u` at `position`.
  private mutating func readFourDigits() throws(JSONError) -> UInt16 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      guard let digit = JSONText.hexDigit(byte) else {
        throw unexpected("four hexadecimal digits after \\u")
      }
      unit = unit << 4 | digit
    }
    position += 1
    return UInt16(unit)
  }

  /// Checks one scalar of two to four bytes against table 3-7 of the Unicode standard.
  private mutating func readMultibyteScalar() throws(JSONError) {
    let start = position
    let lead = byte
    let continuations: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: continuations = 1
    case 0xE0: (continuations, second) = (2, 0xA0...0xBF)
    case 0xED: (continuations, second) = (2, 0x80...0x9F)
    case 0xE1...0xEF: continuations = 2
    case 0xF0: (continuations, second) = (3, 0x90...0xBF)
    case 0xF1...0xF3: continuations = 3
    case 0xF4: (continuations, second) = (3, 0x80...0x8F)
    default: throw error(.invalidUTF8, at: start)
    }
    position += 1
    for number in 0..<continuations {
      let range = number == 0 ? second : 0x80...0xBF
      guard range.contains(byte) else { throw error(.invalidUTF8, at: start) }
      position += 1
    }
  }

  // MARK: Errors

  private func unexpected(_ expected: String) -> JSONError {
    if position >= input.count { return error(.unexpectedEnd(expected: expected), at: position) }
    return error(.unexpectedByte(byte, expected: expected), at: position)
  }

  private func error(_ problem: JSONError.Problem, at offset: Int) -> JSONError {
    JSONError(problem, at: offset, in: input, source: source)
  }
}
