import Testing

@testable import MeteoRASafetensors

@Suite("JSON grammar")
struct JSONParserTests {
  @Test(
    "it takes every form of RFC 8259",
    arguments: [
      "null", " true ", "\tfalse\r\n", "0", "-0", "10", "1.5", "-1.5e+10", "1E5", "0e0", "0.0e-0",
      "\"\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\u{7F}\u{80}\u{10FFFF}\"", "[]", "[ ]",
      "{}", "{ }", "[1,2 , 3]", "{\"\":{\"\":[{}]}}", "[[],[[]],{}]", "{\"a\":1,\"A\":1,\"á\":1}",
      "\"\\u0000\\uD83D\\uDE00\\ud83d\\ude00\"",
    ])
  func takes(text: String) throws {
    _ = try JSONDocument(bytes: Array(text.utf8), source: "t.json")
  }

  static let refused: [(String, Int, JSONError.Problem)] = [
    ("", 0, .unexpectedEnd(expected: "a value")),
    ("  ", 2, .unexpectedEnd(expected: "a value")),
    ("\u{FEFF}{}", 0, .byteOrderMark),
    ("[1", 2, .unexpectedEnd(expected: "',' or ']'")),
    ("{\"a\":1", 6, .unexpectedEnd(expected: "',' or '}'")),
    ("[1,]", 3, .unexpectedByte(0x5D, expected: "a value")),
    ("[,1]", 1, .unexpectedByte(0x2C, expected: "a value")),
    ("[1 2]", 3, .unexpectedByte(0x32, expected: "',' or ']'")),
    ("[1}", 2, .unexpectedByte(0x7D, expected: "',' or ']'")),
    ("{\"a\":1]", 6, .unexpectedByte(0x5D, expected: "',' or '}'")),
    ("{\"a\":1,}", 7, .unexpectedByte(0x7D, expected: "a key in quotes")),
    ("{,}", 1, .unexpectedByte(0x2C, expected: "a key in quotes or '}'")),
    ("{a:1}", 1, .unexpectedByte(0x61, expected: "a key in quotes or '}'")),
    ("{1:1}", 1, .unexpectedByte(0x31, expected: "a key in quotes or '}'")),
    ("{\"a\" 1}", 5, .unexpectedByte(0x31, expected: "':'")),
    ("{\"a\":}", 5, .unexpectedByte(0x7D, expected: "a value")),
    ("{} {}", 3, .trailingByte(0x7B)),
    ("1\u{0}", 1, .trailingByte(0)),
    ("\u{0}", 0, .unexpectedByte(0, expected: "a value")),
    ("]", 0, .unexpectedByte(0x5D, expected: "a value")),
    ("nul", 3, .unexpectedEnd(expected: "'null'")),
    ("nulL", 3, .unexpectedByte(0x4C, expected: "'null'")),
    ("True", 0, .unexpectedByte(0x54, expected: "a value")),
    ("NaN", 0, .unexpectedByte(0x4E, expected: "a value")),
    ("-Infinity", 1, .unexpectedByte(0x49, expected: "a digit")),
    ("+1", 0, .unexpectedByte(0x2B, expected: "a value")),
    (".5", 0, .unexpectedByte(0x2E, expected: "a value")),
    ("-", 1, .unexpectedEnd(expected: "a digit")),
    ("01", 1, .unexpectedByte(0x31, expected: "no digit after a leading zero")),
    ("-00", 2, .unexpectedByte(0x30, expected: "no digit after a leading zero")),
    ("1.", 2, .unexpectedEnd(expected: "a digit")),
    ("1.e5", 2, .unexpectedByte(0x65, expected: "a digit")),
    ("1e", 2, .unexpectedEnd(expected: "a digit")),
    ("1e+", 3, .unexpectedEnd(expected: "a digit")),
    ("0x10", 1, .trailingByte(0x78)),
    ("1/*c*/", 1, .trailingByte(0x2F)),
    ("\"a", 2, .unexpectedEnd(expected: "'\"' at the end of a string")),
    ("'a'", 0, .unexpectedByte(0x27, expected: "a value")),
    ("\"a\nb\"", 2, .controlCharacter(0x0A)),
    ("\"\u{0}\"", 1, .controlCharacter(0)),
    ("\"\\", 2, .unexpectedEnd(expected: "an escape after \\")),
    ("\"\\x\"", 1, .invalidEscape(0x78)),
    ("\"\\U0041\"", 1, .invalidEscape(0x55)),
    ("\"\\u00g0\"", 5, .unexpectedByte(0x67, expected: "four hexadecimal digits after \\u")),
    ("\"\\u00", 5, .unexpectedEnd(expected: "four hexadecimal digits after \\u")),
    ("\"\\ud800\"", 1, .loneSurrogate(0xD800)),
    ("\"\\udc00\"", 1, .loneSurrogate(0xDC00)),
    ("\"\\ud800\\n\"", 1, .loneSurrogate(0xD800)),
    ("\"\\ud800\\ud800\"", 1, .loneSurrogate(0xD800)),
    ("\"\\ud800\\u0041\"", 1, .loneSurrogate(0xD800)),
    ("{\"a\":1,\"a\":2}", 7, .duplicateKey("a")),
    ("{\"a\":1,\"\\u0061\":2}", 7, .duplicateKey("a")),
    ("{\"x\":[{\"\":0,\"b\":[1],\"\":1}]}", 20, .duplicateKey("")),
  ]

  @Test("it refuses what RFC 8259 forbids and says where", arguments: refused)
  func refuses(text: String, offset: Int, problem: JSONError.Problem) {
    let error = parseError(Array(text.utf8))
    #expect(error?.problem == problem)
    #expect(error?.offset == offset)
  }

  @Test(
    "it refuses bytes that are not UTF-8",
    arguments: [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0x80],
      [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFF], [0xFE],
    ] as [[UInt8]])
  func refusesInvalidUTF8(sequence: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    for tail in [[quote], []] as [[UInt8]] {
      let error = parseError([quote, UInt8(ascii: "x")] + sequence + tail)
      #expect(error?.problem == .invalidUTF8)
      #expect(error?.offset == 2)
    }
  }

  @Test("it takes 128 open containers and refuses 129, however many follow")
  func limitsDepth() throws {
    for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
      let core = open == "[" ? "" : "0"
      let text = { (depth: Int) -> [UInt8] in
        let left = String(repeating: open, count: depth)
        return Array((left + core + String(repeating: close, count: depth)).utf8)
      }
      _ = try JSONDocument(bytes: text(128), source: "t.json")
      #expect(parseError(text(129))?.problem == .nestedTooDeeply(limit: 128))
      #expect(parseError(text(129))?.offset == 128 * open.utf8.count)
      #expect(parseError(text(200_000))?.problem == .nestedTooDeeply(limit: 128))
    }
  }

  @Test("it finds a duplicate in a large object and names its place")
  func findsDuplicateInLargeObject() {
    var members = (0..<5000).map { "\"key \($0)\": {\"inner\": [\($0)]}" }
    members.append("\"key\\u00209999\": 0")
    members.append("\"key\\u00204711\": 0")
    let text = "{" + members.joined(separator: ",\n") + "}"
    let error = parseError(Array(text.utf8))
    #expect(error?.problem == .duplicateKey("key 4711"))
    #expect(error?.line == 5002)
    #expect(error?.column == 1)
  }

  @Test("it keeps keys apart that only Unicode equivalence joins")
  func keepsEquivalentKeysApart() throws {
    let text = "{\"\u{E9}\":1,\"e\u{301}\":2,\"\u{212B}\":3,\"\u{C5}\":4}"
    let root = try JSONDocument(bytes: Array(text.utf8), source: "t.json").root
    #expect(root.members?.count == 4)
    #expect(root["\u{E9}"]?.integer == 1)
    #expect(root["e\u{301}"]?.integer == 2)
    #expect(root["\u{C5}"]?.integer == 4)
  }

  @Test("it never traps on cut or mutated documents")
  func survivesMutations() {
    let text =
      "{\"a\\u00e9\\ud83d\\ude00\":[1,-2.5e-3,true,null,\"ü€😀\"],\"b\":{\"c\":{}},\"d\":[]}"
    let seed = Array(text.utf8)
    var refusals = 0
    for end in 0..<seed.count where parseError(Array(seed[..<end])) != nil { refusals += 1 }
    #expect(refusals == seed.count)
    var state: UInt64 = 0x1234_5678
    let interesting = Array("{}[]\",:\\u0019eE.-+tfn \u{0}\u{80}".utf8) + [0xFF, 0xC3, 0xED]
    for _ in 0..<20_000 {
      var bytes = seed
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let position = Int(state >> 33) % bytes.count
        bytes[position] = interesting[Int(state >> 20 & 0xFFFF) % interesting.count]
      }
      guard let document = try? JSONDocument(bytes: bytes, source: "m.json") else {
        refusals += 1
        continue
      }
      visit(document.root)
    }
    #expect(refusals > 10_000)
  }

  /// Reads everything that a value offers.
  private func visit(_ value: JSONValue) {
    _ = (value.integer, value.double, value.string, value.bool, value.path)
    if let members = value.members {
      for (key, member) in members {
        #expect(key.string != nil)
        visit(member)
      }
    }
    if let elements = value.elements {
      for element in elements { visit(element) }
    }
  }
}

/// The error of parsing `bytes`; `nil` if they are taken.
func parseError(_ bytes: [UInt8]) -> JSONError? {
  do {
    _ = try JSONDocument(bytes: bytes, source: "t.json")
    return nil
  } catch {
    return error
  }
}
