import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora bundle --merge")
struct MergeOptionTests {
  private func parts(_ output: URL) throws -> [String] {
    [
      "bundle", "--base", try Fixture.demo("base"), "--adapters", try Fixture.demo("adapters"),
      "--output", output.path,
    ]
  }

  @Test("it writes a plain model that generates as the adapter does", arguments: [nil, "f32"])
  func merges(type: String?) throws {
    try withTemporaryFolder { folder in
      let merged = folder.appendingPathComponent("m")
      let options = type.map { ["--merged-type", $0] } ?? []
      let run = ToolRun(try parts(merged) + ["--merge", "rhymes"] + options)
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.output.hasSuffix("/m: a plain model with adapter rhymes merged\n"))
      #expect(try folder.contents() == ["m"])
      let base = URL(fileURLWithPath: try Fixture.demo("base"))
      #expect(try merged.contents() == base.contents())
      let tokenizer = "tokenizer.json"
      #expect(
        try Data(contentsOf: merged.appendingPathComponent(tokenizer))
          == Data(contentsOf: base.appendingPathComponent(tokenizer)))
      let prompt = ["--prompt", "the capital of", "--max-new-tokens", "12", "--json"]
      let plain = ToolRun(["generate", "--model", merged.path] + prompt)
      let single = ToolRun(
        ["generate", "--model", try Fixture.demo(), "--single-adapter", "rhymes"] + prompt)
      #expect(plain.exitCode == 0 && plain.output == single.output)
      let weights = try SafetensorsFile(
        contentsOf: merged.appendingPathComponent("model.safetensors"))
      #expect(try weights.tensor(named: "model.layers.0.self_attn.q_proj.weight").dtype == .f32)
      #expect(try weights.tensor(named: "model.norm.weight").dtype == .bf16)
    }
  }

  @Test("with --merged-type base it keeps the type of every tensor")
  func baseType() throws {
    try withTemporaryFolder { folder in
      let merged = folder.appendingPathComponent("m")
      let run = ToolRun(try parts(merged) + ["--merge", "rhymes", "--merged-type", "base"])
      #expect(run.exitCode == 0, "\(run.error)")
      let weights = try SafetensorsFile(
        contentsOf: merged.appendingPathComponent("model.safetensors"))
      #expect(weights.tensors.allSatisfy { $0.dtype == .bf16 })
    }
  }

  /// Options after the parts, and words of the refusal.
  static let usage: [([String], String)] = [
    (
      ["--merge", "rhymes", "--gates", "g"],
      "options --merge and --gates exclude each other: gates choose adapters for every token"
    ),
    (["--merge", "rhymes", "--checkpoint", "c"], "options --merge and --checkpoint exclude"),
    (["--merge", "rhymes", "--link"], "option --link has no effect with --merge"),
    (
      ["--merge", "rhymes", "--router-top-k", "1"],
      "option --router-top-k has no effect with --merge"
    ),
    (
      ["--merge", "rhymes", "--router-temperature", "1"],
      "option --router-temperature has no effect with --merge"
    ),
    (["--merge", "rhymes", "--merged-type", "f16"], "is 'f16', expected one of f32, base"),
    (
      ["--merged-type", "f32", "--gates", "g"], "option --merged-type has no effect without --merge"
    ),
    (["--merge"], "option --merge needs a value: --merge NAME"),
  ]

  @Test("options that contradict merging are wrong usage", arguments: usage)
  func refusesUsage(options: [String], message: String) throws {
    try withTemporaryFolder { folder in
      let run = ToolRun(try parts(folder.appendingPathComponent("m")) + options)
      #expect(run.exitCode == 64)
      #expect(run.error.contains(message), "\(run.error)")
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test("a bundle, no adapters, and an adapter that is not there are refused, and nothing is left")
  func refusals() throws {
    try withTemporaryFolder { folder in
      let output = folder.appendingPathComponent("m")
      func expect(_ arguments: [String], _ code: Int32, _ message: String) {
        let run = ToolRun(["bundle", "--output", output.path] + arguments)
        #expect(run.exitCode == code)
        #expect(run.error.contains(message), "\(run.error)")
        #expect(run.error.utf8.count { $0 == 10 } == 1)
      }
      let adapters = ["--adapters", try Fixture.demo("adapters")]
      let base = ["--base", try Fixture.demo("base")]
      expect(
        ["--base", try Fixture.demo(), "--merge", "rhymes"] + adapters, 64,
        "which is a bundle; give the plain folder inside it")
      expect(base + ["--merge", "rhymes"], 64, "option --adapters or --adapter is missing")
      expect(
        base + adapters + ["--merge", "ryhmes"], 1,
        "no adapter is named 'ryhmes'; did you mean 'rhymes'?")
      expect(base + adapters + ["--merge", ""], 1, "no adapter is named ''; the model has")
      expect(
        ["--base", try Fixture.model("plain-minimal"), "--merge", "rhymes"] + adapters, 1,
        "rhymes/adapter_model.safetensors")
      let interruption = Interruption()
      interruption.request()
      let stopped = ToolRun(
        try parts(output) + ["--merge", "rhymes"], interruption: interruption)
      #expect(stopped.exitCode == 130)
      #expect(try folder.contents().isEmpty)
    }
  }
}
