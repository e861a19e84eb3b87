import Foundation
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Samples of a file")
struct SampleReaderTests {
  static let good = #"{"prompt":"a","response":"b"}"#

  private func samples(
    _ text: some Sequence<UInt8>, adapters: [String]? = ["reverse", "sort"],
    needsSpans: Bool = false
  ) throws -> [SampleText] {
    let folder = try TemporaryFolder()
    let file = try folder.write(text, to: "train.jsonl")
    var reader = try SampleReader(file, adapters: adapters, needsSpans: needsSpans)
    var samples: [SampleText] = []
    while let sample = try reader.next() { samples.append(sample) }
    return samples
  }

  @Test(
    "lines end with LF, CR LF or CR, the last may end without", arguments: ["\n", "\r\n", "\r"])
  func readsLines(ending: String) throws {
    let lines = [
      Self.good, #" {"response":"\u00e9\ud83d\ude00","x":{"y":[1]},"prompt":"\u2028"}"#,
      #"{"prompt":"","response":"","spans":null}"#,
    ]
    for last in ["", ending] {
      let samples = try samples((lines.joined(separator: ending) + last).utf8)
      #expect(
        samples == [
          SampleText(prompt: Array("a".utf8), response: Array("b".utf8), line: 1),
          SampleText(prompt: Array("\u{2028}".utf8), response: Array("é😀".utf8), line: 2),
          SampleText(prompt: [], response: [], line: 3),
        ])
    }
  }

  @Test("a file may be longer than the parts that it is read in")
  func readsParts() throws {
    let prompts = (0..<40).map { String(repeating: "\($0) ", count: 5000 + 300 * $0) }
    let text = prompts.map { "{\"prompt\":\"\($0)\",\"response\":\"\"}\n" }.joined()
    #expect(text.utf8.count > 3 << 18)
    #expect(try samples(text.utf8).map(\.prompt) == prompts.map { Array($0.utf8) })
  }

  @Test("spans come in any order, may touch, and are kept ascending")
  func readsSpans() throws {
    let line =
      #"{"prompt":"aé","response":"bc","spans":[{"task":"sort","start":3,"end":5},"#
      + #"{"start":1,"end":3,"task":"reverse"}]}"#
    #expect(
      try samples(line.utf8).map(\.spans) == [
        [AdapterSpan(adapter: 0, bytes: 1..<3), AdapterSpan(adapter: 1, bytes: 3..<5)]
      ])
  }

  @Test("without adapters spans are checked and left out")
  func leavesSpansOut() throws {
    let line = #"{"prompt":"ab","response":"","spans":[{"task":"anything","start":0,"end":2}]}"#
    #expect(try samples(line.utf8, adapters: nil).map(\.spans) == [[]])
    #expect(throws: TrainingDataError.self) {
      try samples(line.replacing("\"end\":2", with: "\"end\":3").utf8, adapters: nil)
    }
  }

  static func span(_ fields: String) -> String {
    #"{"prompt":"aé","response":"bc","spans":[\#(fields)]}"#
  }

  /// The second line of a file, and the message behind its name.
  static let broken: [(line: String, message: String)] = [
    (
      "",
      #":2: the line is empty, expected a line of JSON such as {"prompt":"…","response":"…"}"#
    ),
    (
      " \t",
      #":2: the line is empty, expected a line of JSON such as {"prompt":"…","response":"…"}"#
    ),
    (
      "[]",
      #":2:1 (byte 30): found '[', expected a line of JSON such as {"prompt":"…","response":"…"}"#
    ),
    (
      "\u{FEFF}{}",
      ":2:1 (byte 30): the document begins with a byte order mark, expected JSON in UTF-8 without one"
    ),
    (#"{"prompt":"#, ":2:11 (byte 40): the document ends here, expected a value"),
    (
      #"{"prompt":"a","response":"b"},"#,
      ":2:30 (byte 59): found ',' after the document, expected its end"
    ),
    (
      #"{"prompt":"a","prompt":"b"}"#,
      ":2:15 (byte 44): the key 'prompt' stands here again, expected each key once in an object"
    ),
    (
      #"{"response":"b"}"#,
      ":2:1 (byte 30): field 'prompt' is missing, expected a line of JSON such as "
        + #"{"prompt":"…","response":"…"}"#
    ),
    (
      #"{"prompt":"b"}"#,
      ":2:1 (byte 30): field 'response' is missing, expected a line of JSON such as "
        + #"{"prompt":"…","response":"…"}"#
    ),
    (
      #"{"prompt":7,"response":"b"}"#, ":2:11 (byte 40): field 'prompt' is 7, expected a string"
    ),
    (
      #"{"prompt":"a","response":null}"#,
      ":2:26 (byte 55): field 'response' is null, expected a string"
    ),
    (
      #"{"prompt":"a","response":["b"]}"#,
      ":2:26 (byte 55): field 'response' is an array, expected a string"
    ),
    (
      #"{"prompt":"\ud83d","response":"b"}"#,
      ":2:12 (byte 41): found \\uD83D alone, expected a high and a low surrogate as a pair"
    ),
    (
      #"{"prompt":"a","response":"b","span":[]}"#,
      ":2:30 (byte 59): field 'span' is the string \"span\", expected the name 'spans', or one that "
        + "is not so near to it"
    ),
    (
      #"{"prompt":"a","response":"b","spans":{}}"#,
      ":2:38 (byte 67): field 'spans' is an object, expected an array"
    ),
    (span("1"), ":2:42 (byte 71): field 'spans[0]' is 1, expected an object"),
    (
      span(#"{"start":0,"end":1}"#),
      ":2:42 (byte 71): field 'spans[0].task' is missing, expected a line of JSON such as "
        + #"{"prompt":"…","response":"…"}"#
    ),
    (
      span(#"{"task":"sort","end":1}"#),
      ":2:42 (byte 71): field 'spans[0].start' is missing, expected a line of JSON such as "
        + #"{"prompt":"…","response":"…"}"#
    ),
    (
      span(#"{"task":"sort","start":0}"#),
      ":2:42 (byte 71): field 'spans[0].end' is missing, expected a line of JSON such as "
        + #"{"prompt":"…","response":"…"}"#
    ),
    (
      span(#"{"task":"sort","start":0,"end":1,"stop":2}"#),
      ":2:82 (byte 111): field 'spans[0].stop' is 2, expected to be absent; known are task, start, "
        + "end"
    ),
    (
      span(#"{"task":1,"start":0,"end":1}"#),
      ":2:50 (byte 79): field 'spans[0].task' is 1, expected a string"
    ),
    (
      span(#"{"task":"revers","start":0,"end":1}"#),
      ":2:50 (byte 79): field 'spans[0].task' is the string \"revers\", expected the name of an "
        + "adapter; the nearest is 'reverse'"
    ),
    (
      span(#"{"task":"translate","start":0,"end":1}"#),
      ":2:50 (byte 79): field 'spans[0].task' is the string \"translate\", expected the name of an "
        + "adapter: 'reverse', 'sort'"
    ),
    (
      span(#"{"task":"sort","start":-1,"end":1}"#),
      ":2:65 (byte 94): field 'spans[0].start' is -1, expected an integer from 0 to 4"
    ),
    (
      span(#"{"task":"sort","start":5,"end":6}"#),
      ":2:65 (byte 94): field 'spans[0].start' is 5, expected an integer from 0 to 4"
    ),
    (
      span(#"{"task":"sort","start":0,"end":6}"#),
      ":2:73 (byte 102): field 'spans[0].end' is 6, expected an integer from 1 to 5"
    ),
    (
      span(#"{"task":"sort","start":3,"end":3}"#),
      ":2:73 (byte 102): field 'spans[0].end' is 3, expected an integer from 4 to 5"
    ),
    (
      span(#"{"task":"sort","start":0.0,"end":1}"#),
      ":2:65 (byte 94): field 'spans[0].start' is 0.0, expected an integer from 0 to 4"
    ),
    (
      span(#"{"task":"sort","start":0,"end":9223372036854775808}"#),
      ":2:73 (byte 102): field 'spans[0].end' is 9223372036854775808, expected an integer from 1 to 5"
    ),
    (
      span(#"{"task":"sort","start":2,"end":3}"#),
      ":2:65 (byte 94): field 'spans[0].start' is 2, expected a byte that begins a character; this "
        + "one belongs to the character at 1"
    ),
    (
      span(#"{"task":"sort","start":0,"end":2}"#),
      ":2:73 (byte 102): field 'spans[0].end' is 2, expected a byte that begins a character; this "
        + "one belongs to the character at 1"
    ),
    (
      span(#"{"task":"sort","start":1,"end":4},{"task":"reverse","start":0,"end":3}"#),
      ":2:65 (byte 94): field 'spans[0].start' is 1, expected a byte outside the span from 0 to 3"
    ),
    (
      span(#"{"task":"sort","start":0,"end":4},{"task":"reverse","start":3,"end":5}"#),
      ":2:102 (byte 131): field 'spans[1].start' is 3, expected a byte outside the span from 0 to 4"
    ),
    (
      #"{"prompt":"","response":"","spans":[{"task":"sort","start":0,"end":0}]}"#,
      ":2:37 (byte 66): field 'spans[0]' is an object, expected no span of a text without a byte"
    ),
  ]

  @Test(
    "a broken line is an error that names file, line, field, what is there and what is wanted",
    arguments: broken)
  func refuses(line: String, message: String) throws {
    let error = #expect(throws: TrainingDataError.self) {
      try samples("\(Self.good)\n\(line)\n\(Self.good)".utf8)
    }
    let description = try #require(error).description
    #expect(description.hasSuffix("/train.jsonl\(message)"), "\(description)")
  }

  @Test("bytes that are not UTF-8 are an error", arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80]])
  func refusesBrokenText(bytes: [UInt8]) throws {
    let line = Array(#"{"prompt":"a"#.utf8) + bytes + Array(#"","response":"b"}"#.utf8)
    let error = #expect(throws: TrainingDataError.self) {
      try samples("\(Self.good)\n".utf8 + line)
    }
    let description = try #require(error).description
    #expect(
      description.hasSuffix(
        "/train.jsonl:2:13 (byte 42): found bytes that are not UTF-8 in a string, expected UTF-8"),
      "\(description)")
  }

  @Test("a line of a composite needs a span", arguments: ["", #","spans":null"#, #","spans":[]"#])
  func needsSpans(spans: String) throws {
    let line = #"{"prompt":"a","response":"b"\#(spans)}"#
    #expect(throws: TrainingDataError.self) { try samples(line.utf8, needsSpans: true) }
    #expect(try samples(line.utf8).count == 1)
  }

  @Test("a missing file and a folder are errors")
  func refusesFiles() throws {
    let folder = try TemporaryFolder()
    let missing = folder.url.appendingPathComponent("train.jsonl")
    #expect(throws: TrainingDataError.file(.notFound(path: missing.path))) {
      try SampleReader(missing, adapters: [])
    }
    #expect(throws: TrainingDataError.file(.isFolder(path: folder.url.path))) {
      try SampleReader(folder.url, adapters: [])
    }
  }

  @Test("damaged lines are samples or errors of one line")
  func survivesDamage() throws {
    let folder = try TemporaryFolder()
    let line =
      #"{"prompt":"aé\n","response":"b\u00e9","spans":[{"task":"sort","start":0,"end":3},"#
      + #"{"task":"reverse","start":4,"end":5}]}"#
    let file = try folder.write("\(line)\n\(Self.good)\r\n\(line)", to: "train.jsonl")
    let outcome = try DamagedFile.load("train.jsonl", of: folder, damaged: 300, seed: 5) {
      var reader = try SampleReader(file, adapters: ["reverse", "sort"])
      while let sample = try reader.next() {
        let count = sample.prompt.count + sample.response.count
        if sample.spans.contains(where: { $0.bytes.upperBound > count || $0.bytes.isEmpty }) {
          Issue.record("a span is outside of its text")
        }
      }
    }
    #expect(outcome.badMessages.isEmpty)
    #expect(outcome.loads > 0)
    #expect(outcome.refusals > 100)
  }
}
