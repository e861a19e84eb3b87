import MeteoRASafetensors
import Testing

@Suite("Lines of JSON")
struct JSONLineTests {
  /// The lines of a text that comes in parts.
  private func lines(_ text: String, partLength: Int) throws -> [JSONLine] {
    var cutter = JSONLineCutter(source: "t.jsonl")
    var rest = Array(text.utf8)[...]
    var lines: [JSONLine] = []
    while true {
      if let line = cutter.next() {
        lines.append(line)
      } else if cutter.isAtEnd {
        return lines
      } else {
        try cutter.append(Array(rest.prefix(partLength)))
        rest = rest.dropFirst(partLength)
      }
    }
  }

  @Test(
    "they end with LF, CR LF or CR, the last may end without", arguments: [1, 2, 3, 100])
  func cuts(partLength: Int) throws {
    let text = "ab\n\r\nc\u{2028}d\r\r\n\ne\u{85}\rf"
    let lines = try lines(text, partLength: partLength)
    #expect(
      lines.map { String(decoding: $0.bytes, as: UTF8.self) }
        == ["ab", "", "c\u{2028}d", "", "", "e\u{85}", "f"])
    #expect(lines.map(\.number) == Array(1...7))
    #expect(lines.map(\.offset) == [0, 3, 5, 11, 13, 14, 18])
    let ended = try self.lines(text + "\r\n", partLength: partLength)
    #expect(ended.map(\.bytes) == lines.map(\.bytes))
  }

  @Test("no bytes are no lines")
  func isEmpty() throws {
    #expect(try lines("", partLength: 1).isEmpty)
    #expect(try lines("\n", partLength: 1).map(\.bytes) == [[]])
  }

  @Test("an error tells line, column and byte of the file")
  func placesErrors() throws {
    let line = try #require(lines("{}\n{}\n  [1]", partLength: 2).last)
    #expect {
      try line.object(like: "{…}")
    } throws: { error in
      "\(error)" == "t.jsonl:3:3 (byte 8): found '[', expected a line of JSON such as {…}"
    }
    let fields = try #require(lines("{}\n{\"a\":1}", partLength: 2).last)
    let object = try fields.object(like: "{…}")
    let missing = #expect(throws: JSONError.self) { try object.required("b") }
    let wrong = #expect(throws: JSONError.self) { try object.required("a").stringValue() }
    #expect(
      try fields.placed(#require(missing), example: "{…}").description
        == "t.jsonl:2:1 (byte 3): field 'b' is missing, expected a line of JSON such as {…}")
    #expect(
      try fields.placed(#require(wrong), example: "{…}").description
        == "t.jsonl:2:6 (byte 8): field 'a' is 1, expected a string")
  }

  @Test("an empty line is an error", arguments: ["", " ", "\t "])
  func refusesEmptyLines(text: String) throws {
    let line = try #require(lines("{}\n\(text)\n", partLength: 8).last)
    #expect(throws: JSONLineError.empty(source: "t.jsonl", line: 2, example: "{…}")) {
      try line.object(like: "{…}")
    }
  }
}
