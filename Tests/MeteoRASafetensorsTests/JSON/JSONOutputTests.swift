import Testing

@testable import MeteoRASafetensors

@Suite("Writing JSON")
struct JSONOutputTests {
  @Test("it is one line without spaces, members in the order given")
  func writesLine() {
    let value = JSONOutput.object([
      ("b", .array([.integer(1), .integer(-2), .null])), ("a", .bool(true)), ("", .object([])),
      ("c", .array([])), ("d", .number(0.1)), ("e", .float(0.1)), ("f", .number(2)),
    ])
    #expect(
      String(decoding: value.line, as: UTF8.self)
        == #"{"b":[1,-2,null],"a":true,"":{},"c":[],"d":0.1,"e":0.1,"f":2.0}"#)
  }

  @Test("it is a page with a line a member and element")
  func writesPage() {
    let value = JSONOutput.object([
      ("a", .array([.integer(1), .object([])])), ("b", .object([("c", .string("d"))])),
    ])
    let expected = """
      {
        "a": [
          1,
          {}
        ],
        "b": {
          "c": "d"
        }
      }

      """
    #expect(String(decoding: value.page, as: UTF8.self) == expected)
  }

  @Test("what it writes reads back as the same bytes")
  func readsBack() throws {
    let texts =
      (0..<0x100).compactMap { Unicode.Scalar($0).map { "x\($0)y" } } + [
        "", "\"\\/", "e\u{301}é", "😀", "\u{2028}\u{FEFF}",
      ]
    for text in texts {
      let line = JSONOutput.array([.string(text)]).line
      let value = try JSONDocument(bytes: line, source: "test").root
      #expect(value.elements?.first { _ in true }?.utf8 == Array(text.utf8))
      #expect(!line.contains(0x0A))
    }
  }

  @Test("numbers read back as the same, and those that JSON lacks are null")
  func writesNumbers() throws {
    for number: Double in [0, -0.0, 1, 1e300, .leastNonzeroMagnitude, 0.1, 1 / 3, -2.5e-7] {
      let value = try JSONDocument(bytes: JSONOutput.number(number).line, source: "test").root
      #expect(value.double?.bitPattern == number.bitPattern)
    }
    for number in [Float(0.1), .leastNonzeroMagnitude, 3.4e38, 15] {
      let value = try JSONDocument(bytes: JSONOutput.float(number).line, source: "test").root
      #expect(value.double.map { Float($0) } == number)
    }
    #expect(JSONOutput.number(.nan).line == Array("null".utf8))
    #expect(JSONOutput.float(-.infinity).line == Array("null".utf8))
  }
}
