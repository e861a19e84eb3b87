import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora inspect")
struct InspectCommandTests {
  @Test("it describes a bundle: base, router, gates and a table of adapters")
  func bundle() throws {
    let run = ToolRun(["inspect", try Fixture.demo()])
    #expect(run.exitCode == 0)
    #expect(run.lines[0].hasPrefix("bundle "))
    #expect(run.lines[1] == "problems     none")
    #expect(run.output.contains("router       top-k 2, temperature 1.0\n"))
    #expect(run.output.contains("\n2  reverse     4     8      2.0           16  18944\n"))
    #expect(run.output.contains("tokenizer    tokenizer.json, 512 tokens\n"))
    let json = try ToolRun(["inspect", try Fixture.demo(), "--json"]).json()
    #expect(json["kind"]?.string == "bundle")
    #expect(json["problems"]?.elements?.count == 0)
    #expect(json["router"]?["top_k"]?.integer == 2)
    #expect(json["adapters"]?.elements?.compactMap { $0["name"]?.string }.count == 5)
    #expect(json["routed_modules"]?.integer == 28)
    #expect(json["base"]?["end_of_sequence"]?.integers == [497, 505])
  }

  @Test("it tells the other kinds by their content")
  func kinds() throws {
    let kinds = [
      (try Fixture.demo("base"), "model"), (try Fixture.demo("adapters/reverse"), "adapter"),
      (try Fixture.demo("gates.safetensors"), "gates"),
      (try Fixture.demo("base/model.safetensors"), "safetensors"),
      (try Fixture.model("published/meteora_checkpoint.safetensors"), "checkpoint"),
    ]
    for (path, kind) in kinds {
      let text = ToolRun(["inspect", path])
      #expect(text.exitCode == 0, "\(text.error)")
      #expect(text.output.hasPrefix(kind + " "))
      let json = try ToolRun(["inspect", path, "--json"]).json()
      #expect(json["kind"]?.string == kind)
      #expect(json["path"]?.string?.isEmpty == false)
    }
  }

  @Test("it lists tensors with type, shape and bytes, and metadata")
  func tensors() throws {
    let path = try Fixture.golden("safetensors/metadata-five.safetensors")
    let json = try ToolRun(["inspect", path, "--json"]).json()
    let tensor = try #require(json["tensors"]?.elements?.first { _ in true })
    #expect(tensor["name"]?.string == "w")
    #expect(tensor["dtype"]?.string == "F32")
    #expect(tensor["shape"]?.integers == [1])
    #expect(tensor["bytes"]?.integer == 4)
    #expect(json["metadata"]?["format"]?.string == "pt")
    #expect(json["totals"]?["elements"]?.integer == 1)
    let text = ToolRun(["inspect", path]).output
    #expect(text.contains("'format'"))
    // Control characters of a file do not reach the terminal.
    #expect(!text.utf8.contains(0x1F) && !text.utf8.contains(0))
  }

  @Test("it tells how an adapter meets a base")
  func fit() throws {
    let arguments = ["inspect", try Fixture.demo("adapters/reverse"), "--base"]
    let run = ToolRun(arguments + [try Fixture.demo()])
    #expect(run.exitCode == 0)
    #expect(run.output.contains("fit          changes 16 of 28 linear modules\n"))
    #expect(run.output.contains("untouched    k_proj, gate_proj, up_proj\n"))
    #expect(run.output.contains("unmatched    none\n"))
    let other = ToolRun(arguments + [try Fixture.model("bias-f16"), "--json"])
    #expect(other.exitCode == 1)
    let problems = try #require(other.json()["problems"]?.elements).compactMap(\.string)
    #expect(problems.contains { $0.contains("has the shape [4, 64], expected [4, 36]") })
    #expect(problems.contains { $0.contains("in this base model") })
    let wrong = ToolRun(["inspect", try Fixture.demo(), "--base", try Fixture.demo("base")])
    #expect(wrong.exitCode == 64)
    #expect(wrong.error.contains("option --base is for adapters"))
  }

  @Test("problems come first, all of them, and the exit code is 1")
  func problems() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo(), toPath: copy.path)
      try FileManager.default.removeItem(at: copy.appendingPathComponent("gates.safetensors"))
      try FileManager.default.removeItem(
        at: copy.appendingPathComponent("adapters/rhymes/adapter_model.safetensors"))
      let run = ToolRun(["inspect", copy.path])
      #expect(run.exitCode == 1)
      #expect(run.error.isEmpty)
      #expect(run.lines[1] == "problems     2")
      #expect(run.lines[2].hasSuffix("adapter_model.safetensors: no such file or folder"))
      #expect(run.lines[3].hasSuffix("gates.safetensors: no such file or folder"))
      #expect(run.output.contains("\n3  rhymes      ?"))
    }
  }
}
