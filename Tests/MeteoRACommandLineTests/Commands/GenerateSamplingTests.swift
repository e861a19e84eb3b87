import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora generate, drawing tokens")
struct GenerateSamplingTests {
  /// The cases of area "sampling" that generate.
  static let cases = GoldenModelCase.all("generate", areas: ["sampling"])

  @Test("it draws what the golden pack expects", arguments: cases)
  func agreesWithPack(golden: GoldenModelCase) throws {
    let ids = try golden.promptIDs().map(String.init).joined(separator: ",")
    var arguments =
      ["generate"] + (try golden.modelArguments())
      + ["--prompt-ids", ids, "--json", "--ignore-eos"]
    for (option, name) in [
      ("max-new-tokens", "max_new_tokens"), ("no-repeat-ngram-size", "no_repeat_ngram_size"),
    ] {
      let value = try #require(golden.parameter(name)?.integer)
      arguments.append("--\(option)=\(value)")
    }
    for (option, name) in [
      ("temperature", "temperature"), ("top-k", "top_k"), ("top-p", "top_p"),
      ("repetition-penalty", "repetition_penalty"), ("seed", "seed"),
    ] {
      let value = try #require(golden.parameter("sampling")?[name]?.numberText)
      arguments.append("--\(option)=\(value)")
    }
    let run = ToolRun(arguments)
    let expected = try golden.integers("outputs", "new_ids")
    // The ids that end a case's answer are the case's own, if there are any.
    let reason = try #require(golden.parameter("finish_reason")?.string)
    let actual = try #require(run.json()["new_ids"]?.integers)
    #expect(reason == "eos" ? actual.starts(with: expected) : actual == expected, "\(run.error)")
  }

  @Test("the pack has such cases")
  func hasCases() {
    #expect(Self.cases.count >= 9)
  }

  /// Arguments with the demo bundle.
  private func demo(_ options: [String], maximum: Int = 16) throws -> [String] {
    ["generate", "--model", try Fixture.demo(), "--max-new-tokens", "\(maximum)"] + options
  }

  @Test("seeds give answers of their own, and several prompts draw as alone")
  func seeds() throws {
    let drawing = ["--temperature", "1.3", "--json"]
    let answers = try ["0", "1", "18446744073709551615"].map { seed in
      ToolRun(try demo(["--prompt-ids", "380,363", "--seed", seed] + drawing)).output
    }
    #expect(Set(answers).count == 3)
    #expect(try ToolRun(demo(["--prompt-ids", "380,363"] + drawing)).output == answers[0])
    let file = #"{"a":[380,363],"b":[5],"c":[380,363]}"#
    let batch = ToolRun(
      try demo(["--prompt-ids-file", "-", "--seed", "1"] + drawing), input: Array(file.utf8))
    let rows = try batch.lines.map { try JSONDocument(bytes: Array($0.utf8), source: "row").root }
    let alone = try JSONDocument(bytes: Array(answers[1].utf8), source: "answer").root["new_ids"]
    #expect(rows[0]["new_ids"]?.integers == alone?.integers)
    #expect(rows[2]["new_ids"]?.integers == alone?.integers)
    #expect(rows[1]["new_ids"]?.integers != alone?.integers)
  }

  // MARK: Stop strings

  /// The text of an answer, and a stop string in its middle that stands once.
  private func answer() throws -> (text: String, stop: String, rest: Range<String.Index>) {
    let json = try ToolRun(demo(["--prompt", "abc", "--json"])).json()
    let text = try #require(json["text"]?.string)
    for offset in 5..<text.count - 5 {
      let first = text.index(text.startIndex, offsetBy: offset)
      let range = first..<text.index(first, offsetBy: 5)
      if text.range(of: text[range]) == range { return (text, String(text[range]), range) }
    }
    throw Fixture.Missing()
  }

  @Test("the text ends before a stop string, whose ids stay, and says so")
  func stops() throws {
    let (text, stop, range) = try answer()
    let all = try ToolRun(demo(["--prompt", "abc", "--json"])).json()
    let json = try ToolRun(
      demo(["--prompt", "abc", "--json", "--stop", "never there", "--stop", stop])
    ).json()
    #expect(json["text"]?.string == String(text[..<range.lowerBound]))
    #expect(json["finish_reason"]?.string == "stop")
    let ids = try #require(json["new_ids"]?.integers)
    #expect(all["new_ids"]?.integers?.starts(with: ids) == true)
    #expect(ids.count < 16)
    // With one token less the string is not complete, and what was held back is there.
    let less = try ToolRun(
      demo(["--prompt", "abc", "--json", "--stop", stop], maximum: ids.count - 1)
    ).json()
    #expect(less["finish_reason"]?.string == "length")
    let free = try ToolRun(demo(["--prompt", "abc", "--json"], maximum: ids.count - 1)).json()
    #expect(less["text"]?.string == free["text"]?.string)
  }

  @Test("no part of it is ever written, and the line is ended")
  func streams() throws {
    let (text, stop, range) = try answer()
    let run = ToolRun(try demo(["--prompt", "abc", "--stop", stop]))
    #expect(run.exitCode == 0)
    #expect(run.output == text[..<range.lowerBound] + "\n")
  }

  @Test("the coloured text ends there, too, inside a token")
  func endsRoutedText() throws {
    let (text, stop, range) = try answer()
    func shown(_ options: [String]) throws -> String {
      let run = ToolRun(
        try demo(["--prompt", "abc", "--show-routing", "--color=never"] + options))
      var output = try #require(run.output.range(of: "\n\n")).lowerBound
      if let last = run.output.range(of: "\n\n", options: .backwards) { output = last.lowerBound }
      var bare = String(run.output[..<output])
      for name in ["arithmetic", "capitals", "reverse", "rhymes", "translate"] {
        bare = bare.replacingOccurrences(of: "[\(name)]", with: "")
      }
      return bare
    }
    let prompt = "<|begin_of_text|>abc"
    #expect(try shown([]).hasPrefix(prompt + text[..<range.upperBound]))
    #expect(try shown(["--stop", stop]) == prompt + text[..<range.lowerBound])
    // One that is not there lets everything through.
    #expect(try shown(["--stop", text.suffix(3) + "\u{1}"]) == shown([]))
  }

  @Test("it needs a tokenizer")
  func needsTokenizer() throws {
    let run = ToolRun([
      "generate", "--model", try Fixture.model("mha-tied"), "--prompt-ids", "1", "--stop", "x",
    ])
    #expect(run.exitCode == 1)
    #expect(run.output.isEmpty)
    #expect(
      run.error.hasSuffix(
        "has neither tokenizer.json nor tokenizer.model to find the text of --stop with; leave the "
          + "option out\n"))
  }
}
