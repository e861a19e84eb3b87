import Foundation
import MeteoRASafetensors
import MeteoRATokenizers
import Testing

@testable import MeteoRACommandLine

@Suite("tokenize and detokenize")
struct TokenizeCommandTests {
  static let tokenizers = [
    "tokenizers/tiny-llama3", "sentencepiece/llama2", "sentencepiece/symbols", "tiktoken/llama3",
  ]

  private func arguments(
    _ command: String, _ tokenizer: String, _ options: [String] = []
  ) throws -> [String] {
    [command, "--tokenizer", try Fixture.golden(tokenizer), "--input", "-", "--output", "-"]
      + options
  }

  private func line(_ text: String) -> [UInt8] {
    JSONOutput.object([("text", .string(text))]).line + [0x0A]
  }

  @Test("tokenize gives ids and their text, detokenize the text back", arguments: tokenizers)
  func roundTrips(name: String) throws {
    let tokenizer = try Tokenizer(
      contentsOf: URL(fileURLWithPath: try Fixture.golden(name), isDirectory: true))
    let texts = ["", "Hello,  world", "é 字😀\n\u{2028}x", "<|eot_id|></s> <sep>", "\u{0}\u{7F}"]
    let input = texts.flatMap(line)
    let run = ToolRun(try arguments("tokenize", name), input: input)
    #expect(run.exitCode == 0)
    #expect(run.error.isEmpty)
    #expect(run.jsonLines.count == texts.count)
    for (text, answer) in zip(texts, run.jsonLines) {
      let ids = tokenizer.encode(text)
      #expect(answer["ids"]?.integers == ids)
      #expect(
        answer["decoded"]?.utf8 == Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8))
    }
    let back = ToolRun(
      try arguments("detokenize", name, ["--stream", "--skip-special"]),
      input: Array(run.output.utf8))
    #expect(back.exitCode == 0)
    #expect(back.jsonLines.count == texts.count)
    for (text, answer) in zip(texts, back.jsonLines) {
      let ids = tokenizer.encode(text)
      let decoded = Array(tokenizer.decode(ids, skipSpecialTokens: true).utf8)
      #expect(answer["decoded"]?.utf8 == decoded)
      let pieces = try #require(answer["pieces"]?.elements).map { $0.utf8 ?? [] }
      #expect(pieces.flatMap { $0 } == decoded)
      #expect(pieces.count == ids.count)
    }
  }

  @Test("options leave special tokens out")
  func leavesSpecialTokensOut() throws {
    let name = "tokenizers/tiny-llama3"
    let with = ToolRun(try arguments("tokenize", name), input: line("a<|eot_id|>"))
    let skipped = ToolRun(
      try arguments("tokenize", name, ["--skip-special"]), input: line("a<|eot_id|>"))
    let without = ToolRun(
      try arguments("tokenize", name, ["--no-special-tokens"]), input: line("a<|eot_id|>"))
    #expect(with.jsonLines.first?["decoded"]?.string == "<|begin_of_text|>a<|eot_id|>")
    #expect(skipped.jsonLines.first?["decoded"]?.string == "a")
    #expect(without.jsonLines.first?["decoded"]?.string == "a<|eot_id|>")
    #expect(with.jsonLines.first?["ids"]?.integers?.count == 3)
    #expect(skipped.jsonLines.first?["ids"]?.integers?.count == 3)
    #expect(without.jsonLines.first?["ids"]?.integers?.count == 2)
  }

  @Test("without --stream there are no pieces; with it what is held back comes last")
  func writesPieces() throws {
    let name = "tiktoken/llama3"
    let bytes = try Tokenizer(contentsOf: URL(fileURLWithPath: Fixture.golden(name)))
    let lead = try #require(bytes.encode("é", addSpecialTokens: false).first)
    let input = Array("{\"ids\":[\(lead)]}".utf8)
    let plain = ToolRun(try arguments("detokenize", name), input: input)
    let streamed = ToolRun(try arguments("detokenize", name, ["--stream"]), input: input)
    #expect(plain.output.utf8.first == UInt8(ascii: "{"))
    #expect(plain.jsonLines.first?["pieces"] == nil)
    let pieces = streamed.jsonLines.first?["pieces"]?.elements?.compactMap(\.string)
    #expect(pieces?.joined() == plain.jsonLines.first?["decoded"]?.string)
  }

  @Test(
    "lines end with LF, CR LF or CR, and may come in parts", arguments: ["\n", "\r\n", "\r"],
    [1, 7, 1000])
  func cutsLines(ending: String, partLength: Int) throws {
    let texts = ["a\u{2028}b", "c\u{85}d", "e"]
    let lines = texts.map { String(decoding: line($0).dropLast(), as: UTF8.self) }
    for last in ["", ending] {
      let run = ToolRun(
        try arguments("tokenize", "tokenizers/tiny-llama3", ["--skip-special"]),
        input: Array((lines.joined(separator: ending) + last).utf8), partLength: partLength)
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.jsonLines.map { $0["decoded"]?.string } == texts)
    }
  }

  /// The third line of the input, and the message after the name.
  static let broken: [(command: String, line: [UInt8], message: String)] = [
    (
      "tokenize", Array("{\"text\":7}".utf8), ":3:9 (byte 36): field 'text' is 7, expected a string"
    ),
    (
      "tokenize", Array("{\"txt\":\"\"}".utf8),
      ":3:1 (byte 28): field 'text' is missing, expected a line of JSON such as {\"text\":\"…\"}\n"
    ),
    (
      "tokenize", Array("[]".utf8),
      ":3:1 (byte 28): found '[', expected a line of JSON such as {\"text\":\"…\"}\n"
    ),
    (
      "tokenize", Array("\u{FEFF}{}".utf8),
      ":3:1 (byte 28): the document begins with a byte order mark"
    ),
    (
      "tokenize", Array(" Hello".utf8),
      ":3:2 (byte 29): found 'H', expected a line of JSON such as {\"text\":\"…\"}\n"
    ),
    (
      "detokenize", Array("12 7".utf8),
      ":3:1 (byte 28): found '1', expected a line of JSON such as {\"ids\":[1,2]}\n"
    ),
    (
      "detokenize", Array("{}".utf8),
      ":3:1 (byte 28): field 'ids' is missing, expected a line of JSON such as {\"ids\":[1,2]}\n"
    ),
    (
      "tokenize", Array("{\"text\":\"a\u{E9}".utf8.dropLast()) + Array("\"}".utf8),
      ":3:11 (byte 38): found bytes that are not UTF-8 in a string, expected UTF-8"
    ),
    (
      "tokenize", [],
      ":3: the line is empty, expected a line of JSON such as {\"text\":\"…\"}\n"
    ),
    (
      "detokenize", Array(" \t".utf8),
      ":3: the line is empty, expected a line of JSON such as {\"ids\":[1,2]}\n"
    ),
    (
      "detokenize", Array("{\"ids\":[1,-1]}".utf8),
      ":3:11 (byte 38): field 'ids[1]' is -1, expected"
    ),
    ("detokenize", Array("{\"ids\":\"\"}".utf8), ":3:8 (byte 35): field 'ids' is the string \"\""),
    (
      "detokenize", Array("{\"ids\":[1,99999]}".utf8),
      ":3: the id 99999 at index 1 names no token of the vocabulary"
    ),
  ]

  @Test("a broken line is named by file, line and byte", arguments: broken)
  func namesBrokenLine(command: String, line: [UInt8], message: String) throws {
    try withTemporaryFolder { folder in
      let good = command == "tokenize" ? "{\"text\":\"é\"}" : "{\"ids\":[1]}  "
      let input = folder.appendingPathComponent("in.jsonl")
      let start = Array(good.utf8) + [0x0A]
      try Data(start + start + line + [0x0A] + start).write(to: input)
      let output = folder.appendingPathComponent("out.jsonl")
      let run = ToolRun([
        command, "--tokenizer", try Fixture.golden("tokenizers/tiny-llama3"), "--input", input.path,
        "--output", output.path,
      ])
      #expect(run.exitCode == 1)
      #expect(run.error.hasPrefix("meteora: \(input.path)\(message)"), "\(run.error)")
      #expect(try folder.contents() == ["in.jsonl"])
    }
  }

  @Test("lines before a broken one go to standard output")
  func writesLinesBeforeBrokenOne() throws {
    let run = ToolRun(
      try arguments("tokenize", "tokenizers/tiny-llama3"), input: line("a") + line("b") + [0x5B])
    #expect(run.exitCode == 1)
    #expect(run.jsonLines.count == 2)
    #expect(run.output.hasSuffix("}\n"))
    #expect(run.error.hasPrefix("meteora: standard input:3:"), "\(run.error)")
  }

  @Test("a file appears when it is complete, and takes the place of an older one")
  func writesFile() throws {
    try withTemporaryFolder { folder in
      let input = folder.appendingPathComponent("in.jsonl")
      let count = 40_000
      try Data(repeatElement(line("a word or two"), count: count).joined()).write(to: input)
      let output = folder.appendingPathComponent("out.jsonl")
      try Data("old".utf8).write(to: output)
      let run = ToolRun([
        "tokenize", "--tokenizer", try Fixture.golden("sentencepiece/llama2"), "--input",
        input.path, "--output", output.path,
      ])
      #expect(run.exitCode == 0)
      #expect(run.output.isEmpty)
      #expect(try folder.contents() == ["in.jsonl", "out.jsonl"])
      let lines = try Data(contentsOf: output).split(separator: 0x0A)
      #expect(lines.count == count)
      #expect(Set(lines).count == 1)
    }
  }

  @Test("what is read is not written over", arguments: ["tokenize", "detokenize"])
  func refusesItsInput(command: String) throws {
    try withTemporaryFolder { folder in
      let input = folder.appendingPathComponent("in.jsonl")
      try Data("{}".utf8).write(to: input)
      let model = folder.appendingPathComponent("tokenizer.model")
      try FileManager.default.copyItem(
        atPath: Fixture.golden("tiktoken/llama3/tokenizer.model"), toPath: model.path)
      for output in [input, model] {
        let before = try Data(contentsOf: output)
        let run = ToolRun([
          command, "--tokenizer", folder.path, "--input", input.path, "--output", output.path,
        ])
        #expect(run.exitCode == 1)
        #expect(run.error.contains("\(output.path): is read by this command"), "\(run.error)")
        #expect(try Data(contentsOf: output) == before)
      }
      let run = ToolRun(
        [command, "--tokenizer", folder.path, "--input", "-", "--output", input.path],
        input: Array("{}".utf8), inputFile: FileIdentity(of: input))
      #expect(run.exitCode == 1)
      #expect(run.error.contains("is the file that standard input comes from"), "\(run.error)")
    }
  }

  @Test("Ctrl-C ends it: lines that are done go to standard output, a file stays away")
  func stops() throws {
    let interruption = Interruption()
    let sink = MemorySink()
    sink.onWrite = { if $0 == 2 { interruption.request() } }
    let lines = Array(repeatElement(line("a word"), count: 50).joined())
    let run = ToolRun(
      try arguments("tokenize", "tiktoken/llama3"), input: lines, partLength: 40, output: sink,
      interruption: interruption)
    #expect(run.exitCode == 130)
    #expect(run.error.isEmpty)
    #expect(run.output.hasSuffix("\n"))
    #expect(!run.jsonLines.isEmpty && run.jsonLines.count < 50)
    try withTemporaryFolder { folder in
      let stopped = Interruption()
      stopped.request()
      let file = folder.appendingPathComponent("out.jsonl").path
      let run = ToolRun(
        [
          "tokenize", "--tokenizer", try Fixture.golden("tiktoken/llama3"), "--input", "-",
          "--output", file,
        ], input: lines, interruption: stopped)
      #expect(run.exitCode == 130)
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test("what is missing is named", arguments: ["tokenize", "detokenize"])
  func namesWhatIsMissing(command: String) throws {
    let tokenizer = try Fixture.golden("tiktoken/llama3")
    let missing = "/no/such/file.jsonl"
    for (arguments, message) in [
      ([], "option --input F is missing"), (["--input", "-"], "option --output F is missing"),
      (["--input", "-", "--output", "-"], "option --tokenizer P is missing"),
      (
        ["--input", missing, "--output", "-", "--tokenizer", tokenizer], "\(missing): no such file"
      ),
      (["--input", "-", "--output", missing, "--tokenizer", tokenizer], "/no/such: no such file"),
      (["--input", "-", "--output", "-", "--tokenizer", missing], "\(missing): no such file"),
      (["--input", "/", "--output", "-", "--tokenizer", tokenizer], "/: is a folder"),
    ] {
      let run = ToolRun([command] + arguments)
      #expect(run.exitCode == (message.contains("option") ? 64 : 1))
      #expect(run.error.contains(message), "\(run.error)")
    }
  }
}

extension ToolRun {
  /// The lines of the output, as JSON.
  fileprivate var jsonLines: [JSONValue] {
    output.utf8.split(separator: UInt8(ascii: "\n")).compactMap {
      try? JSONDocument(bytes: Array($0), source: "output").root
    }
  }
}
