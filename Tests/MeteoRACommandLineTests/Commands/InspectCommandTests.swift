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

  /// A folder of the demo's base or an adapter, what is written in place of its files, `nil` for
  /// nothing, and what the lines of the problems hold.
  static let unreadable: [(folder: String, changes: [String: String?], problems: [String])] = [
    (
      "base",
      [
        "config.json": #"""
        {"model_type":"llama","hidden_act":"gelu","sliding_window":4096,
         "rope_scaling":{"rope_type":"yarn","factor":2},"vocab_size":512,"hidden_size":64,
         "intermediate_size":176,"num_hidden_layers":4,"num_attention_heads":4,
         "num_key_value_heads":3,"rms_norm_eps":"x"}
        """#, "model.safetensors": "short",
      ],
      [
        "hidden_act is gelu", "sliding_window is 4096", "num_key_value_heads is 3",
        "rope_scaling.rope_type is yarn", "field 'rms_norm_eps' is",
        "model.safetensors: has 5 bytes",
      ]
    ),
    ("base", ["config.json": "{"], ["config.json:1:2 (byte 1): the document ends here"]),
    (
      "base", ["config.json": "{}", "model.safetensors": nil],
      [
        "field 'model_type' is missing", "field 'hidden_size'", "field 'num_attention_heads'",
        "field 'vocab_size'", "field 'intermediate_size'", "field 'num_hidden_layers'",
        "field 'rms_norm_eps'", "holds neither model.safetensors nor",
      ]
    ),
    (
      "adapters/reverse",
      [
        "adapter_config.json": #"""
        {"peft_type":"LORA","use_dora":true,"bias":"all","modules_to_save":["lm_head"],"r":0,
         "lora_alpha":"x","target_modules":["q_proj"],"layers_pattern":[7]}
        """#
      ],
      [
        "use_dora is true", "modules_to_save is", "bias is all", "field 'r' is 0",
        "field 'lora_alpha' is", "field 'layers_pattern[0]' is 7",
      ]
    ),
    (
      "adapters/reverse", ["adapter_config.json": "[]", "adapter_model.safetensors": nil],
      ["the document is an array", "adapter_model.safetensors: no such file or folder"]
    ),
    (
      "",
      [
        "meteora.json": #"""
        {"format_version":1,"base":"base","adapters":[{"name":"a","path":"adapters/reverse","x":1}],
         "gates":"gates.safetensors","router":{"top_k":9,"temperature":-1},"notes":"…"}
        """#
      ],
      [
        "field 'notes' is", "field 'adapters[0].x' is 1", "top_k is 9", "temperature is -1",
        "moe_gate.weight' has the shape [5, 64], expected [1, 64]",
      ]
    ),
    ("", ["meteora.json": #"{"format_version":2}"#], ["format_version is 2"]),
  ]

  @Test(
    "what cannot be read is among the problems, for a program too", arguments: unreadable.indices)
  func tellsUnreadable(index: Int) throws {
    let (path, changes, expected) = Self.unreadable[index]
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo(path), toPath: copy.path)
      for (name, text) in changes {
        let file = copy.appendingPathComponent(name)
        try FileManager.default.removeItem(at: file)
        if let text { try Data(text.utf8).write(to: file) }
      }
      let run = ToolRun(["inspect", copy.path, "--json"])
      #expect(run.exitCode == 1)
      #expect(run.error.isEmpty)
      let json = try run.json()
      let problems = try #require(json["problems"]?.elements).compactMap(\.string)
      for text in expected {
        #expect(problems.contains { $0.contains(text) }, "no problem holds \(text): \(problems)")
      }
      // Gates of other rows are one problem a module.
      if !changes.keys.contains("meteora.json") { #expect(problems.count == expected.count) }
      let text = ToolRun(["inspect", copy.path])
      #expect(text.exitCode == 1)
      #expect(text.error.isEmpty)
      #expect(text.lines[1] == "problems     \(problems.count)")
    }
  }

  @Test("beside what cannot be read it tells the rest")
  func rest() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo(), toPath: copy.path)
      try Data("{".utf8).write(to: copy.appendingPathComponent("base/config.json"))
      try Data("{".utf8).write(
        to: copy.appendingPathComponent("adapters/reverse/adapter_config.json"))
      let bundle = ToolRun(["inspect", copy.path])
      #expect(bundle.output.contains("\narchitecture not known (see above)\n"))
      #expect(bundle.output.contains("\nweights      38 tensors of BF16"))
      #expect(bundle.output.contains("\ntokenizer    tokenizer.json, 512 tokens\n"))
      #expect(bundle.output.contains("\n2  reverse     ?"))
      #expect(bundle.output.contains("\n3  rhymes      4     8      2.0           16  18944\n"))
      let adapter = ToolRun(["inspect", copy.appendingPathComponent("adapters/reverse").path])
      #expect(adapter.output.contains("\ntensors      32 tensors"))
      let json = try ToolRun(["inspect", copy.path, "--json"]).json()
      #expect(json["base"]?["layers"]?.isNull == true)
      #expect(json["base"]?["totals"]?["tensors"]?.integer == 38)
    }
  }

  @Test("problems that are alike are counted, but for --json")
  func alike() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("a")
      try FileManager.default.copyItem(atPath: Fixture.demo("adapters/reverse"), toPath: copy.path)
      let file = copy.appendingPathComponent("adapter_config.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacingOccurrences(of: #""r": 4"#, with: #""r": 6"#)
        .write(to: file, atomically: true, encoding: .utf8)
      let run = ToolRun(["inspect", copy.path])
      #expect(run.exitCode == 1)
      #expect(run.lines[1] == "problems     32")
      #expect(run.lines[4].contains("has the shape"))
      #expect(
        run.lines[5]
          == "  - … and 29 more tensors of adapter_model.safetensors that have another shape")
      #expect(run.lines[6].hasPrefix("rank "))
      let json = try ToolRun(["inspect", copy.path, "--json"]).json()
      #expect(json["problems"]?.elements?.count == 32)
    }
  }

  @Test("one layer is one layer")
  func oneLayer() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo("base"), toPath: copy.path)
      let file = copy.appendingPathComponent("config.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacingOccurrences(
        of: #""num_hidden_layers": 4"#, with: #""num_hidden_layers": 1"#
      ).write(to: file, atomically: true, encoding: .utf8)
      #expect(ToolRun(["inspect", copy.path]).output.contains("Llama, 1 layer, hidden 64"))
    }
  }

  @Test("a safetensors file that is cut off is a problem")
  func cutFile() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("w.safetensors")
      let whole = try Data(contentsOf: URL(fileURLWithPath: Fixture.demo("gates.safetensors")))
      try whole.dropLast().write(to: file)
      let json = ToolRun(["inspect", file.path, "--json"])
      #expect(json.exitCode == 1)
      #expect(json.error.isEmpty)
      #expect(try json.json()["kind"]?.string == "unreadable")
      #expect(try json.json()["problems"]?.elements?.count == 1)
      let text = ToolRun(["inspect", file.path])
      #expect(text.exitCode == 1)
      #expect(text.lines[0] == "unreadable   \(file.path)")
      #expect(text.lines[2].contains("w.safetensors: is cut off"))
    }
  }
}
