import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora bundle")
struct BundleCommandTests {
  private func demoParts() throws -> [String] {
    [
      "bundle", "--base", try Fixture.demo("base"), "--adapters", try Fixture.demo("adapters"),
      "--gates", try Fixture.demo("gates.safetensors"),
    ]
  }

  private func generate(_ model: String, _ prompt: String = "5,6,7") -> ToolRun {
    ToolRun([
      "generate", "--model", model, "--prompt-ids", prompt, "--json", "--max-new-tokens", "9",
    ])
  }

  @Test("it makes what generates the same", arguments: [[], ["--link"]])
  func generatesTheSame(options: [String]) throws {
    try withTemporaryFolder { folder in
      let bundle = folder.appendingPathComponent("b").path
      let run = ToolRun(try demoParts() + ["--output", bundle] + options)
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.output.hasSuffix("/b: a bundle of 5 adapters, router top-k 2, temperature 1.0\n"))
      #expect(generate(bundle).output == generate(try Fixture.demo()).output)
      #expect(try folder.contents() == ["b"])
      #expect(
        try URL(fileURLWithPath: bundle).contents() == [
          "adapters", "base", "gates.safetensors", "meteora.json",
        ])
      let attributes = try FileManager.default.attributesOfItem(
        atPath: bundle + "/base/model.safetensors")
      let isLink = attributes[.type] as? FileAttributeType == .typeSymbolicLink
      #expect(isLink == options.contains("--link"))
    }
  }

  @Test(
    "a tokenizer that cannot be taken leaves nothing behind",
    arguments: [["--gates"], ["--gates", "--link"], ["--merge", "rhymes"]])
  func brokenTokenizer(options: [String]) throws {
    try withTemporaryFolder { folder in
      let base = folder.appendingPathComponent("base")
      try FileManager.default.copyItem(atPath: Fixture.demo("base"), toPath: base.path)
      let file = base.appendingPathComponent("tokenizer.json")
      try Data(contentsOf: file).prefix(5000).write(to: file)
      let gates = try Fixture.demo("gates.safetensors")
      let run = ToolRun(
        [
          "bundle", "--base", base.path, "--adapters", try Fixture.demo("adapters"), "--output",
          folder.appendingPathComponent("b").path,
        ] + options.flatMap { $0 == "--gates" ? [$0, gates] : [$0] })
      #expect(run.exitCode == 1)
      #expect(run.error.contains("\(base.path)/tokenizer.json:"), "\(run.error)")
      #expect(try folder.contents() == ["base"])
    }
  }

  @Test("it records the router's settings and the order of the adapters")
  func recordsSettings() throws {
    try withTemporaryFolder { folder in
      let model = try Fixture.model("rope-parameters")
      let bundle = folder.appendingPathComponent("b").path
      var arguments = ["bundle", "--base", model, "--gates", model + "/gates.safetensors"]
      for name in ["third", "second", "first"] {
        arguments += ["--adapter", "\(name)=\(model)/adapters/\(name)"]
      }
      arguments += ["--output", bundle, "--router-top-k=3", "--router-temperature", "0.5"]
      let run = ToolRun(arguments)
      #expect(run.exitCode == 0, "\(run.error)")
      let manifest = try JSONDocument(
        contentsOf: URL(fileURLWithPath: bundle + "/meteora.json")
      ).root
      #expect(manifest["router"]?["top_k"]?.integer == 3)
      #expect(manifest["router"]?["temperature"]?.double == 0.5)
      let names = manifest["adapters"]?.elements?.compactMap { $0["name"]?.string }
      #expect(names == ["third", "second", "first"])
    }
  }

  @Test("it refuses a folder that is there, or whose parent is not, and leaves nothing behind")
  func refusesOutput() throws {
    try withTemporaryFolder { folder in
      let there = ToolRun(try demoParts() + ["--output", folder.path])
      #expect(there.exitCode == 1)
      #expect(there.error.contains("is there already, expected a new path"))
      let nowhere = ToolRun(
        try demoParts() + ["--output", folder.appendingPathComponent("x/b").path])
      #expect(nowhere.exitCode == 1)
      #expect(nowhere.error.contains("/x: no such file or folder"))
      let output = folder.appendingPathComponent("b").path
      let misfit = ToolRun([
        "bundle", "--base", try Fixture.demo("base"), "--adapters", try Fixture.demo("adapters"),
        "--gates", try Fixture.model("mha-tied/gates.safetensors"), "--output", output,
      ])
      #expect(misfit.exitCode == 1)
      #expect(misfit.error.contains("mha-tied/gates.safetensors: tensor"))
      let interruption = Interruption()
      interruption.request()
      let stopped = ToolRun(
        try demoParts() + ["--output", output], interruption: interruption)
      #expect(stopped.exitCode == 130)
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test("parts that are missing are wrong usage")
  func missingParts() throws {
    let base = ["bundle", "--base", try Fixture.demo("base"), "--output", "/nowhere/b"]
    let cases = [
      (["--gates", "g"], "option --adapters or --adapter is missing"),
      (
        ["--adapters", try Fixture.demo("adapters")],
        "option --gates, --checkpoint or --merge is missing"
      ),
      (["--gates", "g", "--checkpoint", "c"], "exclude each other"),
    ]
    for (options, message) in cases {
      let run = ToolRun(base + options)
      #expect(run.exitCode == 64)
      #expect(run.error.contains(message), "\(run.error)")
    }
    let bundle = ToolRun(["bundle", "--base", try Fixture.demo(), "--output", "/nowhere/b"])
    #expect(bundle.exitCode == 64)
    #expect(bundle.error.contains("which is a bundle; give the plain folder inside it"))
  }
}
