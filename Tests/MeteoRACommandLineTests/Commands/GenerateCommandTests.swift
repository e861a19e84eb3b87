import Foundation
import MeteoRAReports
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora generate")
struct GenerateCommandTests {
  /// Arguments with the demo bundle.
  private func demo(_ options: [String]) throws -> [String] {
    ["generate", "--model", try Fixture.demo(), "--max-new-tokens", "12"] + options
  }

  @Test("it prints the text that --json has, and ends the line")
  func plainTextIsJSONText() throws {
    let plain = ToolRun(try demo(["--prompt", "the capital of france is"]))
    let json = try ToolRun(try demo(["--prompt", "the capital of france is", "--json"])).json()
    #expect(plain.exitCode == 0)
    #expect(plain.error.isEmpty)
    let text = try #require(json["text"]?.string)
    #expect(!text.isEmpty)
    #expect(plain.output == text + (text.utf8.last == UInt8(ascii: "\n") ? "" : "\n"))
    let keys = json.members?.compactMap(\.key.string)
    #expect(keys == ["prompt_ids", "new_ids", "text", "finish_reason"])
    #expect(json["finish_reason"]?.string == "length")
    #expect(json["new_ids"]?.integers?.count == 12)
  }

  @Test("it writes each token as it comes")
  func streams() throws {
    let sink = MemorySink()
    var writes = 0
    sink.onWrite = { writes = $0 }
    let run = ToolRun(try demo(["--prompt-ids", "380,363"]), output: sink)
    #expect(run.exitCode == 0)
    #expect(writes > 6)
  }

  @Test("a prompt file is taken as it is, from standard input too")
  func promptFile() throws {
    let text = "abc\n\n"
    let expected = try ToolRun(try demo(["--prompt", text, "--json"])).json()["prompt_ids"]?
      .integers
    let input = ToolRun(try demo(["--prompt-file", "-", "--json"]), input: Array(text.utf8))
    #expect(try input.json()["prompt_ids"]?.integers == expected)
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("p.txt")
      try Data(text.utf8).write(to: file)
      let run = ToolRun(try demo(["--prompt-file", file.path, "--json"]))
      #expect(try run.json()["prompt_ids"]?.integers == expected)
    }
  }

  @Test("special tokens are added unless it is asked not to")
  func specialTokens() throws {
    let with = try ToolRun(try demo(["--prompt", "abc", "--json"])).json()
    let without = try ToolRun(try demo(["--prompt=abc", "--no-special-tokens", "--json"])).json()
    let ids = try #require(without["prompt_ids"]?.integers)
    #expect(!ids.isEmpty)
    #expect(with["prompt_ids"]?.integers == [496] + ids)
  }

  @Test("several prompts are one batch, in the order of the file, each as alone")
  func severalPrompts() throws {
    let file = #"{"z":[1,2,3,4,5],"a \"q\"":[496],"é":[7,8]}"#
    let run = ToolRun(
      try demo(["--prompt-ids-file", "-", "--json"]), input: Array(file.utf8))
    #expect(run.exitCode == 0)
    let rows = try run.lines.map { try JSONDocument(bytes: Array($0.utf8), source: "row").root }
    #expect(rows.map { $0["name"]?.string } == ["z", "a \"q\"", "é"])
    for row in rows {
      let ids = try #require(row["prompt_ids"]?.integers)
      let prompt = ids.map(String.init).joined(separator: ",")
      let alone = try ToolRun(try demo(["--prompt-ids", prompt, "--json"])).json()
      #expect(row["new_ids"]?.integers == alone["new_ids"]?.integers)
      #expect(row["text"]?.string == alone["text"]?.string)
    }
    let plain = ToolRun(try demo(["--prompt-ids-file", "-"]), input: Array(file.utf8))
    let expected = rows.map { row in
      let text = row["text"]?.string ?? ""
      let name = row["name"]?.string ?? ""
      return "== \(name) ==\n" + text + (text.utf8.last == UInt8(ascii: "\n") ? "" : "\n")
    }
    #expect(plain.output == expected.joined())
  }

  // MARK: Not a number

  private static let notANumberOptions = ["--max-new-tokens", "6", "--prompt-ids-file", "-"]

  /// The JSON lines of prompts of a model that comes to no NaN.
  private func freeLines(_ prompts: [UInt8]) throws -> [String] {
    let model = try Fixture.model("plain-minimal")
    return ToolRun(
      ["generate", "--model", model, "--json"] + Self.notANumberOptions, input: prompts
    ).lines
  }

  private func newIDs(_ line: String) throws -> [Int] {
    let row = try JSONDocument(bytes: Array(line.utf8), source: "row").root
    return try #require(row["new_ids"]?.integers)
  }

  /// Calls `body` with the path of that model, which reads NaN from `token` on.
  private func withNotANumber(at token: Int, _ body: (String) throws -> Void) throws {
    let source = URL(fileURLWithPath: try Fixture.model("plain-minimal"), isDirectory: true)
    try withTemporaryFolder { folder in
      let model = folder.appendingPathComponent("model", isDirectory: true)
      try FileManager.default.copyItem(at: source, to: model)
      let file = model.appendingPathComponent("model.safetensors")
      let range = try SafetensorsFile(contentsOf: file).tensor(named: "model.embed_tokens.weight")
        .byteRange
      var bytes = try Data(contentsOf: file)
      let row = range.lowerBound + token * 32 * 4
      bytes.replaceSubrange(row..<row + 4, with: [0, 0, 0xC0, 0x7F])
      try bytes.write(to: file)
      try body(model.path)
    }
  }

  @Test("a prompt that comes to NaN ends the run, what all have so far is printed")
  func notANumberLater() throws {
    let prompts = Array(#"{"a":[1,2],"b":[3]}"#.utf8)
    let options = Self.notANumberOptions
    let free = try freeLines(prompts).map(newIDs)
    let (a, b) = (free[0], free[1])
    let step = try #require(b.indices.first { !([1, 2, 3] + a + b[..<$0]).contains(b[$0]) })
    // Only "b" comes to this token.
    try withNotANumber(at: b[step]) { model in
      let run = ToolRun(["generate", "--model", model] + options, input: prompts)
      #expect(run.exitCode == 1)
      #expect(run.error.contains("hold NaN"))
      let shown = [a, b].map { $0[...step].map(String.init).joined(separator: ",") }
      #expect(run.output == "== a ==\n\(shown[0])\n== b ==\n\(shown[1])\n")
      // Nobody cancelled: there is no line for a prompt that has not ended.
      let json = ToolRun(["generate", "--model", model, "--json"] + options, input: prompts)
      #expect(json.exitCode == 1)
      #expect(json.error == run.error)
      #expect(json.output.isEmpty)
    }
  }

  @Test("with --json, a prompt that has ended before has its line, also behind one that has not")
  func notANumberAfterEnd() throws {
    // The model has 32 positions: "b" and "d" end after a token, the others could go on.
    let long = [Int](repeating: 3, count: 31).map(String.init).joined(separator: ",")
    let prompts = Array(#"{"a":[1,2],"b":[\#(long)],"c":[1,2],"d":[\#(long)]}"#.utf8)
    let lines = try freeLines(prompts)
    let (a, b) = (try newIDs(lines[0]), try newIDs(lines[1]))
    #expect(b.count == 1)
    let step = try #require(
      a.indices.first { $0 > 0 && !([1, 2, 3] + b + a[..<$0]).contains(a[$0]) })
    try withNotANumber(at: a[step]) { model in
      let run = ToolRun(
        ["generate", "--model", model, "--json"] + Self.notANumberOptions, input: prompts)
      #expect(run.exitCode == 1)
      #expect(run.error.contains("hold NaN"))
      #expect(run.lines == [lines[1], lines[3]])
    }
  }

  @Test("a model without a tokenizer prints ids")
  func withoutTokenizer() throws {
    let model = ["generate", "--model", try Fixture.model("mha-tied"), "--max-new-tokens", "5"]
    let json = try ToolRun(model + ["--prompt-ids", "1, 2", "--json"]).json()
    #expect(json["text"]?.isNull == true)
    let ids = try #require(json["new_ids"]?.integers)
    let plain = ToolRun(model + ["--prompt-ids", "1,2"])
    #expect(plain.output == ids.map(String.init).joined(separator: ",") + "\n")
    let text = ToolRun(model + ["--prompt", "abc"])
    #expect(text.exitCode == 1)
    #expect(
      text.error.contains(
        "has neither tokenizer.json nor tokenizer.model to read the prompt with; give --prompt-ids")
    )
  }

  @Test("kernels and threads change nothing", arguments: ["loop", "bmm", "tiled"], ["1", "3"])
  func speedChangesNothing(kernel: String, threads: String) throws {
    let expected = ToolRun(try demo(["--prompt-ids", "5,6,7", "--json"])).output
    let run = ToolRun(
      try demo(["--prompt-ids", "5,6,7", "--json", "--kernel", kernel, "--threads", threads]))
    #expect(run.output == expected)
    #expect(run.exitCode == 0)
  }

  @Test("modes and router settings reach the model")
  func modesReachModel() throws {
    let options = [
      [], ["--no-adapters"], ["--single-adapter", "reverse"], ["--router-top-k", "1"],
      ["--router-temperature", "15"],
    ]
    let answers = try options.map { ToolRun(try demo(["--prompt", "abc", "--json"] + $0)).output }
    #expect(Set(answers).count == options.count)
    let base = ToolRun(
      ["generate", "--model", try Fixture.demo("base"), "--max-new-tokens", "12"]
        + ["--prompt", "abc", "--json"])
    #expect(base.output == answers[1])
    let single = ToolRun(
      ["generate", "--model", try Fixture.demo("base"), "--max-new-tokens", "12"]
        + ["--prompt", "abc", "--json", "--adapter", "r=\(try Fixture.demo("adapters/reverse"))"])
    #expect(single.output == answers[2])
  }

  @Test("it describes the model on standard error for --verbose and on a terminal")
  func describesModel() throws {
    let sentence =
      "meteora: Llama, 4 layers, hidden 64; 5 adapters, router top-k 2, temperature 15.0; "
      + "kernel loop, 1 thread\n"
    let options = ["--prompt-ids", "1", "--router-temperature", "15", "--kernel", "loop"]
    let run = ToolRun(try demo(options + ["--threads", "1", "--verbose"]))
    #expect(run.error == sentence)
    let terminal = MemorySink()
    terminal.isTerminal = true
    #expect(ToolRun(try demo(options + ["--threads=1"]), error: terminal).error.hasSuffix(sentence))
  }

  @Test("control characters of a model reach files as they are, and terminals as pictures")
  func controlCharacters() throws {
    try withTemporaryFolder { folder in
      let model = folder.appendingPathComponent("demo")
      try FileManager.default.copyItem(atPath: try Fixture.demo(), toPath: model.path)
      // The demo's answer to "abc" has an L (43); escape (215) takes its place.
      let file = model.appendingPathComponent("base/tokenizer.json")
      let swapped = try String(contentsOf: file, encoding: .utf8)
        .replacingOccurrences(of: #""L": 43,"#, with: #""L": 215,"#)
        .replacingOccurrences(of: #""ě": 215,"#, with: #""ě": 43,"#)
      try swapped.write(to: file, atomically: true, encoding: .utf8)
      let arguments = [
        "generate", "--model", model.path, "--prompt", "abc", "--max-new-tokens", "12",
      ]
      let plain = ToolRun(arguments)
      #expect(plain.output.utf8.contains(0x1B))
      let terminal = MemorySink()
      terminal.isTerminal = true
      let shown = ToolRun(arguments, output: terminal)
      #expect(shown.exitCode == 0)
      #expect(!shown.output.utf8.contains(0x1B))
      #expect(shown.output == terminalText(plain.output))
    }
  }
}
