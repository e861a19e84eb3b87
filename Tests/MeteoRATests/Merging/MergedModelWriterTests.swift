import Foundation
import MeteoRAFixtures
import MeteoRALlama
import MeteoRAMath
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("Writing merged models")
struct MergedModelWriterTests {
  private func written(
    _ example: MergeExample, _ type: MergedModelWriter.ElementType, _ check: (URL) throws -> Void
  ) throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("merged", isDirectory: true)
    try MergedModelWriter(files: example.files(), adapter: example.adapter, elementType: type)
      .write(to: output)
    #expect(try folder.names() == ["merged"])
    try check(output)
  }

  @Test("merged matrices are those of the model in memory", arguments: MergeExample.allCases)
  func float32(example: MergeExample) throws {
    try written(example, .float32) { output in
      let expected = try example.expected()
      let original = try SafetensorsCheckpoint(folder: example.files().base)
      let merged = try SafetensorsCheckpoint(folder: output)
      #expect(merged.tensors.map(\.name).sorted() == original.tensors.map(\.name).sorted())
      for tensor in merged.tensors {
        let before = try original.tensor(named: tensor.name)
        #expect(tensor.shape == before.shape)
        if let values = expected[tensor.name] {
          #expect(tensor.dtype == .f32)
          #expect(firstDifference(try tensor.float32Values(), values) == nil, "\(tensor.name)")
        } else {
          #expect(tensor.dtype == before.dtype)
          #expect(tensor.withUnsafeBytes(Array.init) == before.withUnsafeBytes(Array.init))
        }
      }
      let tokens = try example.load().tokens(9)
      let inMemory = try example.load().merging(example.adapter).logits(of: tokens)
      let loaded = try MeteoRAModel(contentsOf: output, parallelism: .serial)
      #expect(firstDifference(try loaded.logits(of: tokens), inMemory) == nil)
    }
  }

  @Test(
    "in the base's type they are rounded once more, to nearest", arguments: MergeExample.allCases)
  func baseType(example: MergeExample) throws {
    try written(example, .base) { output in
      let original = try SafetensorsCheckpoint(folder: example.files().base)
      let merged = try SafetensorsCheckpoint(folder: output)
      for (name, values) in try example.expected() {
        let tensor = try merged.tensor(named: name)
        #expect(tensor.dtype == (try original.tensor(named: name).dtype))
        let rounded: [Float]
        switch tensor.dtype {
        case .bf16: rounded = values.map { Widening.float(bfloat16: Narrowing.bfloat16($0)) }
        case .f16: rounded = values.map { Widening.float(float16: Narrowing.float16($0)) }
        default: rounded = values
        }
        #expect(firstDifference(try tensor.float32Values(), rounded) == nil)
      }
      for name in ["config.json", "model.safetensors.index.json"] {
        let source = try example.files().base.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: source.path) else { continue }
        #expect(
          try Data(contentsOf: output.appendingPathComponent(name)) == Data(contentsOf: source))
      }
    }
  }

  @Test("shards keep their names and metadata, and the index tells their new size")
  func shards() throws {
    try written(.shards, .float32) { output in
      let base = try MergeExample.shards.files().base
      let names = try FileManager.default.contentsOfDirectory(atPath: base.path).sorted()
      #expect(try FileManager.default.contentsOfDirectory(atPath: output.path).sorted() == names)
      let merged = try SafetensorsCheckpoint(folder: output)
      let sizes = try merged.files.map { file in
        let before = try SafetensorsFile(
          contentsOf: base.appendingPathComponent(
            URL(fileURLWithPath: file.location).lastPathComponent))
        #expect(file.metadata?.entries.map(\.key) == before.metadata?.entries.map(\.key))
        #expect(file.tensors.map(\.name).sorted() == before.tensors.map(\.name).sorted())
        return file.tensors.reduce(0) { $0 + $1.elementCount * $1.dtype.byteCount }
      }
      let index = try JSONDocument(
        contentsOf: output.appendingPathComponent("model.safetensors.index.json")
      ).root
      #expect(index["metadata"]?["total_size"]?.integer == sizes.reduce(0, +))
    }
  }

  @Test(
    "config.json asks for binary32 if matrices became wider, and changes in nothing else",
    arguments: [
      (#""torch_dtype": "bfloat16""#, #""torch_dtype": "float32""#),
      (#""dtype":"bfloat16""#, #""dtype":"float32""#),
      (#""torch_dtype": null"#, #""torch_dtype": "float32""#),
      (
        #""dtype": "bfloat16", "torch_dtype":"float16""#,
        #""dtype": "float32", "torch_dtype":"float32""#
      ),
      (#""torch_dtype": "float32""#, #""torch_dtype": "float32""#),
      (nil, #"{"torch_dtype": "float32", "#),
    ] as [(String?, String)])
  func configuration(before: String?, after: String) throws {
    try ModelCopy.with("gqa-sharded") { copy in
      let whole = #""torch_dtype": "bfloat16","#
      try copy.replace(whole, by: before.map { "\($0)," } ?? "", in: "base/config.json")
      let original = try String(contentsOf: copy.url("base/config.json"), encoding: .utf8)
      let output = copy.folder.appendingPathComponent("merged")
      try MergedModelWriter(
        files: ModelFiles(
          base: copy.url("base"), adapters: [.init(name: "a", folder: copy.url("adapters/rank1"))]),
        adapter: "a"
      ).write(to: output)
      let written = try String(
        contentsOf: output.appendingPathComponent("config.json"), encoding: .utf8)
      let expected =
        before.map { original.replacingOccurrences(of: $0, with: after) }
        ?? after + original.dropFirst()
      #expect(written == expected)
    }
  }

  @Test("a base in binary32 keeps every byte of its config.json")
  func configurationOfFloat32() throws {
    try written(.old, .float32) { output in
      let source = try MergeExample.old.files().base.appendingPathComponent("config.json")
      #expect(
        try Data(contentsOf: output.appendingPathComponent("config.json"))
          == Data(contentsOf: source))
    }
  }

  @Test("tokenizer and generation files are carried along, byte for byte")
  func companions() throws {
    let folder = try TinyBundle().folder()
    let names = [
      "generation_config.json", "tokenizer.json", "tokenizer.model", "special_tokens_map.json",
      "added_tokens.json", "chat_template.jinja",
    ]
    try folder.write(#"{"eos_token_id": 2}"#, to: "base/generation_config.json")
    for name in names.dropFirst(2) { try folder.write("\(name) \u{0}é", to: "base/\(name)") }
    let demo = try #require(DemoBundle.directory)
    let tokenizer = try String(
      contentsOf: demo.appendingPathComponent("base/tokenizer.json"), encoding: .utf8)
    try folder.write(tokenizer, to: "base/tokenizer.json")
    try folder.write("x", to: "base/README.md")
    let output = folder.url.appendingPathComponent("merged")
    try MergedModelWriter(files: files(folder), adapter: "first").write(to: output)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: output.path).sorted()
        == (names + ["config.json", "model.safetensors"]).sorted())
    for name in names {
      #expect(
        try Data(contentsOf: output.appendingPathComponent(name))
          == Data(contentsOf: folder.url.appendingPathComponent("base/\(name)")))
    }
  }

  private func files(_ folder: TemporaryFolder) -> ModelFiles {
    ModelFiles(
      base: folder.url.appendingPathComponent("base"),
      adapters: ["first", "second"].map {
        .init(name: $0, folder: folder.url.appendingPathComponent("adapters/\($0)"))
      })
  }

  @Test("gates, an adapter that is not there, and a folder that is there are refused")
  func refusals() throws {
    let folder = try TinyBundle().folder()
    let before = try folder.names()
    let output = folder.url.appendingPathComponent("merged")
    var files = files(folder)
    func refuse(_ adapter: String, at url: URL) throws -> MeteoRAError {
      try #require(throws: MeteoRAError.self) {
        try MergedModelWriter(files: files, adapter: adapter).write(to: url)
      }
    }
    #expect(
      try refuse("fist", at: output)
        == .unknownAdapter(name: "fist", known: ["first", "second"]))
    #expect(
      try refuse("first", at: folder.url.appendingPathComponent("base"))
        == .file(.alreadyThere(path: folder.url.appendingPathComponent("base").path)))
    files.gates = .file(folder.url.appendingPathComponent("gates.safetensors"))
    #expect(try refuse("first", at: output) == .gatedMerge(model: files.base.path))
    files.gates = .checkpoint(folder.url.appendingPathComponent("gates.safetensors"))
    #expect(try refuse("first", at: output) == .gatedMerge(model: files.base.path))
    #expect(try folder.names() == before)
  }

  @Test("a weight beyond what the base's type holds is refused and named")
  func overflow() throws {
    var bundle = TinyBundle()
    let name = "model.layers.1.mlp.down_proj.weight"
    // 8 × 12 halves of 60000.
    var weights = TinyModel.Tensor(.f16, [8, 12])
    weights.bytes = (0..<96).flatMap { _ in [UInt8(0x53), 0x7B] }
    bundle.base.tensors[name] = weights
    bundle.adapters[0].fields["lora_alpha"] = "1e6"
    let folder = try bundle.folder()
    let output = folder.url.appendingPathComponent("merged")
    let before = try folder.names()
    let error = try #require(throws: MeteoRAError.self) {
      try MergedModelWriter(files: files(folder), adapter: "first", elementType: .base)
        .write(to: output)
    }
    guard case .mergeOverflow(let file, name, _, let value, "F16") = error else {
      Issue.record("\(error)")
      return
    }
    #expect(file == folder.url.appendingPathComponent("base/model.safetensors").path)
    #expect(value.isFinite && abs(value) > 65504)
    #expect(error.description.hasSuffix("is \(value), which F16 does not hold; F32 does"))
    #expect(try folder.names() == before)
    try MergedModelWriter(files: files(folder), adapter: "first").write(to: output)
  }

  @Test(
    "a weight beyond binary32 is refused and named, in files and in a loaded model",
    arguments: MergedModelWriter.ElementType.allCases)
  func overflowOfBinary32(elementType: MergedModelWriter.ElementType) throws {
    let name = "model.layers.1.mlp.down_proj.weight"
    var bundle = TinyBundle()
    bundle.adapters[0].fields["lora_alpha"] = "3e38"
    let weights = Array(repeating: Float(3e20), count: 2 * 12)
    bundle.adapters[0].tensors[PEFTAdapter.key(.down, layer: 1, "lora_A")] = .init(
      weights, [2, 12])
    let folder = try bundle.folder()
    let output = folder.url.appendingPathComponent("merged")
    var files = files(folder)
    files.adapters.removeLast()
    let writer = MergedModelWriter(files: files, adapter: "first", elementType: elementType)
    let model = try MeteoRAModel(files: files)
    let written = try #require(throws: MeteoRAError.self) { try writer.write(to: output) }
    let loaded = try #require(throws: MeteoRAError.self) { try model.merging("first") }
    for error in [written, loaded] {
      guard case .mergeOverflow(_, name, _, let value, "F32") = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(!value.isFinite)
      #expect(error.description.hasSuffix("is \(value), expected a finite number"))
    }
  }

  @Test("a weight that is infinite in the base is no loss")
  func infiniteBase() throws {
    let name = "model.layers.1.mlp.down_proj.weight"
    var bundle = TinyBundle()
    var values = [Float](repeating: 0.5, count: 96)
    values[3] = .infinity
    bundle.base.tensors[name] = .init(values, [8, 12])
    let folder = try bundle.folder()
    var files = files(folder)
    files.adapters.removeLast()
    let merged = try MeteoRAModel(files: files).merging("first").base.layers[1][.down].weights
    var row = [Float](repeating: 0, count: 12)
    row.withUnsafeMutableBufferPointer { row in
      if let start = row.baseAddress { merged.copyRow(0, to: start) }
    }
    #expect(row.map(\.isFinite) == (0..<12).map { $0 != 3 })
  }

  @Test(
    "it stops whenever it is asked to, and leaves nothing", arguments: [MergeExample.shards, .old])
  func stops(example: MergeExample) throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("merged")
    let writer = MergedModelWriter(files: try example.files(), adapter: example.adapter)
    var asked = 0
    try writer.write(to: output) {
      asked += 1
      return false
    }
    try FileManager.default.removeItem(at: output)
    #expect(asked > 2 * 9)
    for limit in (0..<asked).filter({ $0 < 20 || $0 > asked - 60 || $0 % 7 == 0 }) {
      var questions = 0
      #expect(throws: MeteoRAError.cancelled(path: output.path)) {
        try writer.write(to: output) {
          questions += 1
          return questions > limit
        }
      }
      #expect(questions == limit + 1)
      #expect(try folder.names() == [])
    }
  }
}
