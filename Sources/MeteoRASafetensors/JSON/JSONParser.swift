// JSONParser: bytes to nodes in one pass and without recursion.
//
// Open arrays and objects stand on a stack of at most `deepestNesting` frames, so no input can
// overflow the machine's stack. What a word, number or string looks like is JSONScanner's part.

struct JSONParser {
  static let deepestNesting = 128
  /// 256 MiB, several times the largest tokenizer.json known. A node's offsets are 32 bits wide,
  /// and a hostile document takes up to eight times its size in nodes.
  static let largestDocument = 1 << 28

  private struct Frame {
    var node: Int
    var isObject: Bool
    var count: UInt32
  }

  private var scanner: JSONScanner
  private var stack: [Frame] = []
  private(set) var nodes: [JSONNode] = []
  private(set) var keyTables: [Int: JSONKeyTable] = [:]

  /// Refuses a document beyond ``largestDocument``.
  static func checkSize(_ bytes: UnsafeRawBufferPointer, source: String) throws(JSONError) {
    if bytes.count <= largestDocument { return }
    let start = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    let problem = JSONError.Problem.tooLarge(byteCount: bytes.count, limit: largestDocument)
    throw JSONError(problem, at: 0, in: start, source: source)
  }

  /// Reads the whole document into `nodes` and `keyTables`.
  init(parsing input: UnsafeBufferPointer<UInt8>, source: String) throws(JSONError) {
    try Self.checkSize(UnsafeRawBufferPointer(input), source: source)
    scanner = JSONScanner(input, source: source)
    if input.starts(with: [0xEF, 0xBB, 0xBF]) { throw scanner.error(.byteOrderMark, at: 0) }
    stack.reserveCapacity(Self.deepestNesting)
    repeat {
      if try readValueOrOpen() { try finishValues() }
    } while !stack.isEmpty
    scanner.skipWhiteSpace()
    if !scanner.isAtEnd { throw scanner.error(.trailingByte(scanner.byte), at: scanner.position) }
  }

  /// Reads a scalar or an empty container, or opens a container.
  ///
  /// - Returns: Whether a value is complete; otherwise another one follows.
  private mutating func readValueOrOpen() throws(JSONError) -> Bool {
    scanner.skipWhiteSpace()
    let start = scanner.position
    switch scanner.byte {
    case UInt8(ascii: "{"): return try open(.object)
    case UInt8(ascii: "["): return try open(.array)
    case UInt8(ascii: "\""): try readString()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      append(try scanner.readNumber() ? .integer : .number, from: start)
    case UInt8(ascii: "t"):
      try scanner.readWord("true")
      append(.true, from: start)
    case UInt8(ascii: "f"):
      try scanner.readWord("false")
      append(.false, from: start)
    case UInt8(ascii: "n"):
      try scanner.readWord("null")
      append(.null, from: start)
    default: throw scanner.unexpected("a value")
    }
    return true
  }

  private mutating func open(_ kind: JSONNode.Kind) throws(JSONError) -> Bool {
    if stack.count == Self.deepestNesting {
      throw scanner.error(.nestedTooDeeply(limit: Self.deepestNesting), at: scanner.position)
    }
    stack.append(Frame(node: nodes.count, isObject: kind == .object, count: 0))
    append(kind, from: scanner.position)
    scanner.skipByte()
    scanner.skipWhiteSpace()
    if kind == .array {
      if scanner.byte != UInt8(ascii: "]") { return false }
    } else if scanner.byte != UInt8(ascii: "}") {
      try readKey(expected: "a key in quotes or '}'")
      return false
    }
    scanner.skipByte()
    try close(stack.removeLast())
    return true
  }

  /// Reads what follows a complete value: a comma, or the ends of the containers around it.
  private mutating func finishValues() throws(JSONError) {
    while var frame = stack.popLast() {
      frame.count += 1
      scanner.skipWhiteSpace()
      if scanner.byte == UInt8(ascii: ",") {
        scanner.skipByte()
        stack.append(frame)
        if frame.isObject {
          scanner.skipWhiteSpace()
          try readKey(expected: "a key in quotes")
        }
        return
      }
      guard scanner.byte == (frame.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        throw scanner.unexpected(frame.isObject ? "',' or '}'" : "',' or ']'")
      }
      scanner.skipByte()
      try close(frame)
    }
  }

  private mutating func readKey(expected: String) throws(JSONError) {
    if scanner.byte != UInt8(ascii: "\"") { throw scanner.unexpected(expected) }
    try readString()
    scanner.skipWhiteSpace()
    if scanner.byte != UInt8(ascii: ":") { throw scanner.unexpected("':'") }
    scanner.skipByte()
  }

  private mutating func close(_ frame: Frame) throws(JSONError) {
    nodes[frame.node].count = frame.count
    nodes[frame.node].end = UInt32(nodes.count)
    if frame.isObject && frame.count > 1 { try refuseDuplicateKeys(frame) }
  }

  // MARK: Nodes

  private mutating func readString() throws(JSONError) {
    let (text, hasEscapes) = try scanner.readString()
    let kind = hasEscapes ? JSONNode.Kind.escapedString : .string
    nodes.append(
      JSONNode(
        start: UInt32(text.lowerBound), end: UInt32(text.upperBound), count: 0, kind: kind))
  }

  /// Appends a node that ends where the scanner stands.
  private mutating func append(_ kind: JSONNode.Kind, from start: Int) {
    nodes.append(
      JSONNode(start: UInt32(start), end: UInt32(scanner.position), count: 0, kind: kind))
  }

  // MARK: Keys

  private mutating func refuseDuplicateKeys(_ frame: Frame) throws(JSONError) {
    let input = scanner.input
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
    JSONText.append(nodes[node], in: scanner.input, to: &text)
    let key = String(decoding: text, as: UTF8.self)
    return scanner.error(.duplicateKey(key), at: Int(nodes[node].start) - 1)
  }
}
