import Testing

@testable import MeteoRACommandLine

@Suite("A wrong command line")
struct UsageTests {
  /// Arguments, and words of the sentence that refuses them.
  static let refused: [([String], String)] = [
    ([], "no command given"),
    (["generat"], "unknown command 'generat'; did you mean 'generate'?"),
    (["frobnicate"], "unknown command 'frobnicate'; see 'meteora --help'"),
    (["help", "generat"], "unknown command 'generat'; did you mean 'generate'?"),
    (["help", "trace", "x"], "unexpected argument 'x'; 'meteora help' takes one command"),
    (["help", "hlep"], "unknown command 'hlep'; see 'meteora --help'"),
    (["help", "--version"], "unknown command '--version'; see 'meteora --help'"),
    (["help", "help", "trace"], "unexpected argument 'trace'; 'meteora help' takes one command"),
    (["hlep"], "unknown command 'hlep'; did you mean 'help'?"),
    (["generate", "--model", ""], "option --model is empty, expected a path"),
    (["generate", "--model", ".", "--adapters="], "option --adapters is empty, expected a path"),
    (["bundle", "--base="], "option --base is empty, expected a path"),
    (["verify", "--pack="], "option --pack is empty, expected a path"),
    (["verify", "--pack", ".", "--against="], "option --against is empty, expected a path"),
    (["tokenize", "--input="], "option --input is empty, expected a path"),
    (["inspect", ".", "--base="], "option --base is empty, expected a path"),
    (["inspect", ""], "a path is empty, expected a file or folder"),
    (
      ["generate", "--model", ".", "--adapter", "../x=/nowhere"],
      "option --adapter gives the name '../x', expected 1 to 255 bytes without '/'"
    ),
    (["trace", "--model", ".", "--output="], "option --output is empty, expected a path"),
    (
      ["trace", "--model", ".", "--output=-"], "option --output is '-', but this is not written"
    ),
    (["--versoin"], "unknown option '--versoin'; did you mean '--version'?"),
    (["generate", "--promt", "x"], "unknown option '--promt'; did you mean '--prompt'?"),
    (["generate", "--promt=x"], "unknown option '--promt'; did you mean '--prompt'?"),
    (["generate", "--temprature", "1"], "'--temprature'; did you mean '--temperature'?"),
    (["trace", "--temperature", "1"], "unknown option '--temperature'"),
    (["generate", "--temperature", "1", "--temperature=2"], "option --temperature is given twice"),
    (["generate", "--seed"], "option --seed needs a value: --seed N"),
    (["generate", "-p", "x"], "unknown option '-p'"),
    (["generate", "--output", "x"], "unknown option '--output'"),
    (["generate", "--model"], "option --model needs a value: --model M"),
    (
      ["generate", "--model", "--json"],
      "option --model needs a value but is followed by '--json'; if that is the value, write "
        + "--model=--json"
    ),
    (["generate", "--model", "a", "--model=b"], "option --model is given twice"),
    (["generate", "--json", "--json"], "option --json is given twice"),
    (["generate", "--json=yes"], "option --json takes no value"),
    (["generate", "words"], "unexpected argument 'words'; 'meteora generate' takes options only"),
    (["inspect", "a", "b"], "unexpected argument 'b'; 'meteora inspect' takes one P"),
    (["inspect"], "'meteora inspect' needs a file or folder"),
    (["generate"], "option --model M is missing"),
    (["trace", "--model", "."], "option --output F is missing"),
    (["bundle", "--output", "x"], "option --base D is missing"),
    (["generate", "\u{1B}[31m"], "unexpected argument '\\u{1B}[31m'"),
  ]

  @Test("it is refused with 64, one sentence, and nothing on standard output", arguments: refused)
  func isRefused(arguments: [String], message: String) {
    let run = ToolRun(arguments)
    #expect(run.exitCode == 64)
    #expect(run.error.hasPrefix("meteora: "))
    #expect(run.error.contains(message), "\(run.error)")
    #expect(run.error.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
    #expect(run.output.isEmpty)
  }

  /// Options after `generate --model DEMO --prompt-ids 1`, and words of the refusal.
  static let wrongValues: [([String], String)] = [
    (
      ["--max-new-tokens", "many"], "option --max-new-tokens is 'many', expected an integer from 0"
    ),
    (["--max-new-tokens", "-1"], "option --max-new-tokens is '-1'"),
    (["--max-new-tokens", "1.5"], "option --max-new-tokens is '1.5'"),
    (["--max-new-tokens", "+5"], "option --max-new-tokens is '+5'"),
    (["--max-new-tokens="], "option --max-new-tokens is ''"),
    (["--max-new-tokens", "99999999999999999999"], "expected an integer"),
    (["--no-repeat-ngram-size", "x"], "option --no-repeat-ngram-size is 'x'"),
    (["--temperature", "hot"], "option --temperature is 'hot', expected a number of at least 0"),
    (
      ["--temperature", "1e40"],
      "option --temperature is '1e40', expected a number of at least 0, finite in binary32"
    ),
    (
      ["--repetition-penalty", "inf"],
      "option --repetition-penalty is 'inf', expected a number above 0, finite in binary32"
    ),
    (["--temperature", "-0.1"], "option --temperature is '-0.1', expected a number of at least 0"),
    (["--temperature", "inf"], "option --temperature is 'inf'"),
    (["--temperature", "nan"], "option --temperature is 'nan'"),
    (["--temperature", "1e39"], "option --temperature is '1e39'"),
    (["--temperature", "0x1"], "option --temperature is '0x1'"),
    (["--temperature", " 1"], "option --temperature is ' 1'"),
    (["--temperature="], "option --temperature is ''"),
    (["--top-k", "-1"], "option --top-k is '-1', expected an integer from 0 to 2147483647"),
    (["--top-k", "2.5"], "option --top-k is '2.5'"),
    (["--top-k", "2147483648"], "option --top-k is '2147483648'"),
    (["--top-p", "0"], "option --top-p is '0', expected a number above 0 and at most 1"),
    (["--top-p", "1.01"], "option --top-p is '1.01', expected a number above 0 and at most 1"),
    (["--top-p", "-0.5"], "option --top-p is '-0.5'"),
    (["--top-p", "90%"], "option --top-p is '90%'"),
    (["--top-p", "nan"], "option --top-p is 'nan'"),
    (
      ["--repetition-penalty", "0"],
      "option --repetition-penalty is '0', expected a number above 0"
    ),
    (["--repetition-penalty", "-1"], "option --repetition-penalty is '-1'"),
    (["--repetition-penalty", "1,1"], "option --repetition-penalty is '1,1'"),
    (["--repetition-penalty", "inf"], "option --repetition-penalty is 'inf'"),
    (
      ["--seed", "-1"], "option --seed is '-1', expected an integer from 0 to 18446744073709551615"
    ),
    (["--seed", "18446744073709551616"], "option --seed is '18446744073709551616'"),
    (["--seed", "1.0"], "option --seed is '1.0'"),
    (["--seed="], "option --seed is ''"),
    (["--seed", "1"], "option --seed has no effect without --temperature"),
    (["--top-k", "5"], "option --top-k has no effect without --temperature"),
    (["--top-p", "0.9", "--seed", "2"], "option --top-p has no effect without --temperature"),
    (["--stop="], "option --stop is '', expected at least one character"),
    (["--stop", "a", "--stop="], "option --stop is ''"),
    (["--threads", "0"], "option --threads is '0', expected an integer from 1 to 1024"),
    (["--kernel", "fast"], "option --kernel is 'fast', expected one of loop, bmm, tiled"),
    (["--color", "red"], "option --color is 'red', expected one of always, never, auto"),
    (["--router-top-k", "0"], "option --router-top-k is '0', expected an integer of at least 1"),
    (
      ["--router-temperature", "0"], "option --router-temperature is '0', expected a number above 0"
    ),
    (["--router-temperature", "inf"], "option --router-temperature is 'inf'"),
    (["--router-temperature", "0x1p3"], "option --router-temperature is '0x1p3'"),
    (["--router-temperature", "1e99"], "option --router-temperature is '1e99'"),
    (["--prompt", "x"], "options --prompt and --prompt-ids are two prompts; give one"),
    (["--no-special-tokens"], "option --no-special-tokens has no effect with --prompt-ids"),
    (["--single-adapter", "reverse", "--no-adapters"], "exclude each other: choose one of them"),
    (["--adapters", "x", "--adapter", "a=b"], "exclude each other: name the adapters one way"),
    (["--gates", "x", "--checkpoint", "y"], "exclude each other: a checkpoint holds gates"),
    (["--no-adapters", "--router-top-k", "1"], "has no effect with --no-adapters"),
    (
      ["--single-adapter", "reverse", "--router-temperature", "2"], "has no effect with --single-a"
    ),
    (["--adapters", "x"], "option --adapters cannot be used with the bundle"),
    (["--gates", "x"], "option --gates cannot be used with the bundle"),
    (
      ["--only", "rhymes", "--without", "reverse"],
      "options --only and --without exclude each other: one of them says which adapters are left"
    ),
    (["--only="], "option --only is '', expected names of adapters between commas, such as arith"),
    (["--only", ","], "option --only is ',', expected names of adapters between commas"),
    (["--without", "rhymes,"], "option --without is 'rhymes,', expected names of adapters"),
    (["--only", "rhymes", "--no-adapters"], "option --only has no effect with --no-adapters"),
    (
      ["--without", "rhymes", "--single-adapter", "reverse"],
      "option --without has no effect with --single-adapter"
    ),
    (["--show-routing", "--json"], "exclude each other: for routing as data use 'meteora trace'"),
    (["--show-routing", "--no-adapters"], "--show-routing needs a model that routes"),
  ]

  @Test(
    "a value that cannot be, or options that contradict each other, are", arguments: wrongValues)
  func wrongValueIsRefused(options: [String], message: String) throws {
    let run = ToolRun(["generate", "--model", try Fixture.demo(), "--prompt-ids", "1"] + options)
    #expect(run.exitCode == 64)
    #expect(run.error.contains(message), "\(run.error)")
    #expect(run.output.isEmpty)
  }

  @Test(
    "prompts that are no ids are", arguments: ["", "1,", ",", "1,x", "-1", "1 2", "1.0", "0x1"])
  func brokenIDsAreRefused(ids: String) throws {
    let run = ToolRun(["generate", "--model", try Fixture.demo(), "--prompt-ids=\(ids)"])
    #expect(run.exitCode == 64)
    #expect(run.error.contains("expected token ids between commas, such as 1,2,3"), "\(run.error)")
  }

  @Test(
    "ids that no number holds are too large",
    arguments: ["9223372036854775808", "1,99999999999999999999"])
  func largeIDsAreRefused(ids: String) throws {
    let run = ToolRun(["generate", "--model", try Fixture.demo(), "--prompt-ids=\(ids)"])
    #expect(run.exitCode == 64)
    #expect(run.error.contains("', which is too large for a token id"), "\(run.error)")
  }

  @Test("prompt files without a name are", arguments: ["--prompt-file=", "--prompt-ids-file="])
  func emptyPromptPath(option: String) throws {
    let run = ToolRun(["generate", "--model", try Fixture.demo(), option])
    #expect(run.exitCode == 64)
    #expect(run.error.contains("\(option.dropLast()) is empty, expected a path"), "\(run.error)")
  }

  @Test("an argument that is not UTF-8 is named by its place")
  func argumentEncoding() throws {
    func texts(_ arguments: [[UInt8]]) throws -> [String] {
      let pointers = arguments.map { bytes -> UnsafeMutablePointer<CChar>? in
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in (bytes + [0]).enumerated() { pointer[index] = CChar(bitPattern: byte) }
        return pointer
      }
      defer { for pointer in pointers { pointer?.deallocate() } }
      return try ProcessStreams.texts(of: pointers)
    }
    let trace = Array("trace".utf8)
    #expect(try texts([trace, Array("é".utf8), []]) == ["trace", "é", ""])
    func message(_ arguments: [[UInt8]]) -> String? {
      do {
        _ = try texts(arguments)
        return nil
      } catch {
        return (error as? UsageError)?.message
      }
    }
    #expect(message([[0xFF], trace]) == "argument 1 is not UTF-8 text")
    #expect(
      message([trace, Array("--output".utf8), [0x61, 0xC3]])
        == "argument 3, which follows '--output', is not UTF-8 text")
  }

  @Test("a plain folder's options are checked against each other")
  func plainFolder() throws {
    let base = try Fixture.demo("base")
    let adapters = try Fixture.demo("adapters")
    let cases = [
      (["--gates", "x"], "option --gates needs adapters"),
      (["--checkpoint", "x"], "option --checkpoint needs adapters"),
      (["--adapters", adapters], "5 adapters need --gates F or --checkpoint F"),
      (["--adapter", "reverse"], "option --adapter is 'reverse', expected NAME=DIR"),
      (["--adapter", "=x"], "option --adapter is '=x', expected NAME=DIR"),
      (
        ["--adapter", "a=\(adapters)/reverse", "--adapter", "a=\(adapters)/rhymes"],
        "option --adapter names 'a' twice"
      ),
      (["--router-top-k", "1"], "the model has no gates, so it does not route"),
      (["--only", "a"], "option --only has no effect: the model has no gates"),
      (["--without", "a"], "option --without has no effect: the model has no gates"),
      (["--show-routing"], "--show-routing needs a model that routes"),
    ]
    for (options, message) in cases {
      let run = ToolRun(["generate", "--model", base, "--prompt-ids", "1"] + options)
      #expect(run.exitCode == 64)
      #expect(run.error.contains(message), "\(options): \(run.error)")
    }
  }
}
