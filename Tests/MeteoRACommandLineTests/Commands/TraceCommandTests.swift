import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora trace")
struct TraceCommandTests {
  static let cases = GoldenModelCase.all("trace")

  @Test("it writes the oracle's bits", arguments: cases)
  func writesOracleBits(golden: GoldenModelCase) throws {
    try expectOracleBits(golden, of: golden.modelArguments())
  }

  @Test(
    "it writes the oracle's bits of a model that bundle --merge wrote",
    arguments: GoldenModelCase.all("trace", mode: "merged"))
  func writesOracleBitsOfMerged(golden: GoldenModelCase) throws {
    try withTemporaryFolder { folder in
      let merged = folder.appendingPathComponent("merged").path
      let parts = try golden.modelArguments().map { $0 == "--model" ? "--base" : $0 }
      let adapter = try #require(golden.parameter("adapter")?.string)
      let run = ToolRun(["bundle"] + parts + ["--merge", adapter, "--output", merged])
      #expect(run.exitCode == 0, "\(run.error)")
      try expectOracleBits(golden, of: ["--model", merged])
    }
  }

  private func expectOracleBits(_ golden: GoldenModelCase, of model: [String]) throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("t.safetensors")
      let prompt = try golden.promptIDs().map(String.init).joined(separator: ",")
      let run = ToolRun(
        ["trace"] + model + ["--prompt-ids", prompt, "--all", "--output", url.path])
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.output.isEmpty && run.error.isEmpty)
      #expect(try folder.contents() == ["t.safetensors"])
      let trace = try SafetensorsFile(contentsOf: url)
      #expect(!golden.outputs.isEmpty)
      for name in golden.outputs {
        let expected = try golden.tensor("outputs", name)
        let actual = try trace.tensor(named: name, shape: expected.shape)
        #expect(actual.dtype == expected.dtype)
        let isEqual = actual.withUnsafeBytes { actual in
          expected.withUnsafeBytes { actual.elementsEqual($0) }
        }
        #expect(isEqual, "\(name)")
      }
    }
  }

  @Test("several prompts have their names before the tensors', and the values they have alone")
  func severalPrompts() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("t.safetensors")
      let model = ["trace", "--model", try Fixture.demo(), "--output", url.path]
      let file = #"{"one":[1,2,3],"two":[4]}"#
      let run = ToolRun(model + ["--prompt-ids-file", "-"], input: Array(file.utf8))
      #expect(run.exitCode == 0, "\(run.error)")
      let both = try SafetensorsFile(contentsOf: url)
      let name = "layers.3.up_proj.gate_logits"
      #expect(try both.tensor(named: "one/\(name)").shape == [3, 5])
      let expected = try both.tensor(named: "two/logits", shape: [1, 512]).float32Values()
      #expect(ToolRun(model + ["--prompt-ids", "4"]).exitCode == 0)
      let alone = try SafetensorsFile(contentsOf: url)
      let actual = try alone.tensor(named: "logits", shape: [1, 512]).float32Values()
      #expect(actual.map(\.bitPattern) == expected.map(\.bitPattern))
      #expect(alone.tensorIfPresent(named: "embeddings") == nil)
    }
  }

  @Test("an older file stays as it is until the trace is complete")
  func keepsOlderFile() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("t.safetensors")
      try Data("old".utf8).write(to: url)
      let run = ToolRun([
        "trace", "--model", try Fixture.demo(), "--prompt-ids", "1,99999", "--output", url.path,
      ])
      #expect(run.exitCode == 1)
      #expect(try Data(contentsOf: url) == Data("old".utf8))
      #expect(try folder.contents() == ["t.safetensors"])
    }
  }

  @Test("an output that cannot be written is refused before the model is loaded")
  func refusesOutput() throws {
    try withTemporaryFolder { folder in
      let model = ["trace", "--model", try Fixture.demo(), "--prompt-ids", "1", "--output"]
      let missing = ToolRun(model + [folder.appendingPathComponent("no/t").path])
      #expect(missing.exitCode == 1)
      #expect(missing.error.contains("/no: no such file or folder"))
      let isFolder = ToolRun(model + [folder.path])
      #expect(isFolder.exitCode == 1)
      #expect(isFolder.error.contains("is a folder, expected a file"))
      let device = ToolRun(model + ["/dev/null"])
      #expect(device.exitCode == 1)
      #expect(device.error.contains("/dev/null: is a device, expected a file"))
    }
  }

  /// A copy of the demo in `folder`.
  private func demo(in folder: URL) throws -> URL {
    let copy = folder.appendingPathComponent("demo", isDirectory: true)
    try FileManager.default.copyItem(atPath: Fixture.demo(), toPath: copy.path)
    return copy
  }

  @Test(
    "a file that is read is refused, by whatever path",
    arguments: [
      "meteora.json", "gates.safetensors", "base/config.json", "base/model.safetensors",
      "base/tokenizer.json", "adapters/rhymes/adapter_config.json",
      "adapters/rhymes/adapter_model.safetensors",
    ])
  func refusesInput(name: String) throws {
    try withTemporaryFolder { folder in
      let demo = try demo(in: folder)
      let file = demo.appendingPathComponent(name)
      let bytes = try Data(contentsOf: file)
      let trace = ["trace", "--model", demo.path, "--prompt-ids", "1", "--output"]
      let plain = ToolRun(trace + [file.path])
      #expect(plain.exitCode == 1)
      #expect(plain.error.contains("/\(name): is read by this command"), "\(plain.error)")
      let symbolic = folder.appendingPathComponent("s")
      try FileManager.default.createSymbolicLink(at: symbolic, withDestinationURL: file)
      let hard = folder.appendingPathComponent("h")
      try FileManager.default.linkItem(at: file, to: hard)
      for link in [symbolic, hard] {
        let run = ToolRun(trace + [link.path])
        #expect(run.exitCode == 1)
        #expect(run.error.contains("\(link.path): is the same file as "), "\(run.error)")
        #expect(run.error.contains("/\(name), which this command reads"), "\(run.error)")
      }
      #expect(try Data(contentsOf: file) == bytes)
      #expect(try folder.contents() == ["demo", "h", "s"])
    }
  }

  @Test("so are a shard, a checkpoint and a file of prompts")
  func refusesOtherInputs() throws {
    try withTemporaryFolder { folder in
      func refuses(_ arguments: [String], _ file: String) {
        let run = ToolRun(["trace"] + arguments + ["--output", file])
        #expect(run.exitCode == 1)
        #expect(run.error.contains("\(file): is read by this command"), "\(run.error)")
      }
      let sharded = try Fixture.model("hf5-bundle-llama3-bf16") + "/base"
      let shard = try #require(
        URL(fileURLWithPath: sharded).contents().first { $0.contains("-of-") })
      refuses(["--model", sharded, "--prompt-ids", "1"], "\(sharded)/\(shard)")
      let published = try Fixture.model("published")
      let checkpoint = published + "/meteora_checkpoint.safetensors"
      refuses(
        ["--model", published, "--adapters", published + "/adapters"]
          + ["--checkpoint", checkpoint, "--prompt-ids", "1"], checkpoint)
      for (option, text) in [("--prompt-file", "abc"), ("--prompt-ids-file", #"{"a":[1]}"#)] {
        let prompts = folder.appendingPathComponent("p")
        try Data(text.utf8).write(to: prompts)
        refuses(["--model", try Fixture.demo(), option, prompts.path], prompts.path)
        #expect(try Data(contentsOf: prompts) == Data(text.utf8))
      }
    }
  }

  @Test("so is the file that standard input comes from")
  func refusesStandardInput() throws {
    try withTemporaryFolder { folder in
      let prompts = #"{"a":[1]}"#
      let file = folder.appendingPathComponent("ids.json")
      try Data(prompts.utf8).write(to: file)
      let link = folder.appendingPathComponent("link")
      try FileManager.default.linkItem(at: file, to: link)
      let identity = try #require(FileIdentity(of: file))
      for (command, output) in [("trace", "--output"), ("generate", "--routing-html")] {
        for path in [file.path, link.path] {
          let arguments = [
            command, "--model", try Fixture.demo(), "--prompt-ids-file", "-", output, path,
          ]
          let run = ToolRun(arguments, input: Array(prompts.utf8), inputFile: identity)
          #expect(run.exitCode == 1)
          #expect(
            run.error.contains("\(path): is the file that standard input comes from, which this "),
            "\(run.error)")
        }
      }
      #expect(try Data(contentsOf: file) == Data(prompts.utf8))
      // Nobody reads it here.
      let unread = ToolRun(
        ["trace", "--model", try Fixture.demo(), "--prompt-ids", "1", "--output", link.path],
        inputFile: identity)
      #expect(unread.exitCode == 0, "\(unread.error)")
    }
  }

  @Test("a path that ends in a slash is none of a file")
  func refusesSlash() throws {
    try withTemporaryFolder { folder in
      let path = folder.path + "/new/"
      for (command, output) in [("trace", "--output"), ("generate", "--routing-html")] {
        func run() throws -> ToolRun {
          ToolRun([
            command, "--model", try Fixture.demo(), "--prompt-ids", "1", output, path,
          ])
        }
        let message = "option \(output) is '"
        let absent = try run()
        #expect(absent.exitCode == 64)
        #expect(absent.error.contains(message), "\(absent.error)")
        #expect(absent.error.contains("/new/', which ends in a slash"), "\(absent.error)")
        #expect(try folder.contents() == [])
        try Data().write(to: folder.appendingPathComponent("new"))
        #expect(try run().error == absent.error)
        try FileManager.default.removeItem(at: folder.appendingPathComponent("new"))
      }
    }
  }

  @Test("a symbolic link is followed, and stays")
  func followsLink() throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent("t.safetensors")
      let link = folder.appendingPathComponent("link")
      try FileManager.default.createSymbolicLink(
        atPath: link.path, withDestinationPath: "t.safetensors")
      for _ in 0..<2 {
        let run = ToolRun([
          "trace", "--model", try Fixture.demo(), "--prompt-ids", "1", "--output", link.path,
        ])
        #expect(run.exitCode == 0, "\(run.error)")
        #expect(try folder.contents() == ["link", "t.safetensors"])
        #expect(
          try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == "t.safetensors")
        #expect(try SafetensorsFile(contentsOf: target).tensorIfPresent(named: "logits") != nil)
      }
    }
  }
}
