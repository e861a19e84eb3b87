import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Results of training in the field's formats")
struct TrainedResultTests {
  static let models = [
    "mha-tied", "bias-f16", "published-unequal", "hf4-bundle-gqa-bf16", "hf4-checkpoint-tied-bf16",
  ]
  private static let prompt = [1, 5, 7, 2, 3]

  /// The model's files with gates and adapters that were written into a folder.
  private func written(
    _ example: ResultExample, to folder: URL, as type: TrainedElementType
  ) throws -> ModelFiles {
    var files = example.files
    let gates = folder.appendingPathComponent("gates.safetensors")
    try example.model.writeGates(to: gates, as: type)
    files.gates = .file(gates)
    for index in files.adapters.indices {
      let place = folder.appendingPathComponent(files.adapters[index].name)
      try example.model.writeAdapter(
        index, to: place, configuration: example.configuration(of: index), as: type)
      files.adapters[index].folder = place
    }
    return files
  }

  @Test(
    "gates, adapters and the published layout hold what was trained and load to the same model",
    arguments: models, TrainedElementType.allCases)
  func loads(name: String, type: TrainedElementType) throws {
    let folder = try TemporaryFolder()
    let example = try ResultExample(name)
    let files = try written(example, to: folder.url, as: type)
    #expect(
      try example.mismatches(
        folder.url.appendingPathComponent("gates.safetensors"), example.expected("gates/"),
        as: type) == [])
    for adapter in files.adapters {
      let expected = example.expected("adapters/\(adapter.name)/")
      #expect(!expected.isEmpty)
      #expect(
        try example.mismatches(
          adapter.folder.appendingPathComponent("adapter_model.safetensors"), expected, as: type)
          == [])
    }
    let checkpoint = folder.url.appendingPathComponent("checkpoint.safetensors")
    try example.model.writePublishedCheckpoint(
      to: checkpoint, base: example.files.base, as: type)
    var published = example.files
    published.gates = .checkpoint(checkpoint)
    let logits = try MeteoRAModel(files: files).logits(of: Self.prompt)
    #expect(
      try MeteoRAModel(files: published).logits(of: Self.prompt).map(\.bitPattern)
        == logits.map(\.bitPattern))
    let before = try MeteoRAModel(files: example.files).logits(of: Self.prompt)
    #expect(before.map(\.bitPattern) != logits.map(\.bitPattern))
    // Nothing is left of the writing.
    #expect(
      try folder.names()
        == (["checkpoint.safetensors", "gates.safetensors"] + files.adapters.map(\.name)).sorted())

    guard type == .float32 else { return }
    let parts = try ModelParts(published, parallelism: .serial)
    let gates = try #require(parts.gates)
    let again = try TrainableModel(
      trainingGatesOf: parts, from: try StartingGates(of: parts, seed: 0, trained: gates),
      trainsAdapters: true, router: files.router)
    #expect(
      again.trained.tensors.map { $0.array.map(\.bitPattern) }
        == example.model.trained.tensors.map { $0.array.map(\.bitPattern) })
  }

  @Test(
    "the published layout has the names and shapes of the checkpoint that it was loaded from",
    arguments: ["published-unequal", "hf4-checkpoint-tied-bf16"])
  func publishedNames(name: String) throws {
    let folder = try TemporaryFolder()
    let example = try ResultExample(name)
    guard case .checkpoint(let original) = example.files.gates else {
      Issue.record("\(example.files.gates)")
      return
    }
    let file = folder.url.appendingPathComponent("c.safetensors")
    try example.model.writePublishedCheckpoint(to: file, base: example.files.base, as: .float32)
    let shapes = { (url: URL) throws in
      Dictionary(
        uniqueKeysWithValues: try SafetensorsFile(contentsOf: url).tensors.map {
          ($0.name, $0.shape)
        })
    }
    #expect(try shapes(file) == shapes(original))
  }

  @Test("frozen adapters are written as they are, beside trained gates")
  func frozenAdapters() throws {
    let folder = try TemporaryFolder()
    let example = try ResultExample("mha-tied", .gates)
    let files = try written(example, to: folder.url, as: .float32)
    for (adapter, original) in zip(files.adapters, example.files.adapters) {
      let (found, expected) = try (
        SafetensorsFile(
          contentsOf: adapter.folder.appendingPathComponent("adapter_model.safetensors")),
        SafetensorsFile(
          contentsOf: original.folder.appendingPathComponent("adapter_model.safetensors"))
      )
      #expect(found.tensors.count == expected.tensors.count)
      for tensor in expected.tensors {
        #expect(
          try found.tensor(named: tensor.name, shape: tensor.shape).float32Values()
            == tensor.float32Values())
      }
    }
  }

  @Test(
    "a base holds what was trained and loads to the same model",
    arguments: [
      "mha-tied", "bias-f16", "published", "hf4-llama3-tied-bf16", "rope-parameters",
    ], TrainedElementType.allCases)
  func base(name: String, type: TrainedElementType) throws {
    let folder = try TemporaryFolder()
    let example = try ResultExample(name, .base)
    let base = example.files.base
    let place = folder.url.appendingPathComponent("base")
    try example.model.writeBase(
      to: place, configuration: base.appendingPathComponent("config.json"), companions: base,
      as: type)
    let expected = example.expected("base/")
    #expect(
      try example.mismatches(place.appendingPathComponent("model.safetensors"), expected, as: type)
        == [])
    #expect(
      (expected["lm_head.weight"] == nil) == example.parts.base.configuration.tiesEmbeddings)
    let configuration = try JSONDocument(contentsOf: place.appendingPathComponent("config.json"))
    let field = configuration.root["torch_dtype"] ?? configuration.root["dtype"]
    #expect(field?.string == (type == .float32 ? "float32" : "bfloat16"))
    let loaded = try LlamaModel(folder: place)
    #expect(loaded.configuration == example.parts.base.configuration)
    if type == .float32 {
      let again = TrainableModel(trainingAllOf: loaded)
      #expect(
        again.trained.tensors.map { $0.array.map(\.bitPattern) }
          == example.model.trained.tensors.map { $0.array.map(\.bitPattern) })
    }
    var names = ["config.json", "model.safetensors"]
    for name in try FolderListing.names(in: base)
    where name.hasPrefix("tokenizer") || name == "generation_config.json" {
      names.append(name)
    }
    #expect(try FolderListing.names(in: place) == names.sorted())
  }

  @Test("the files of a tokenizer are copied, and a folder is replaced only if it may be")
  func companions() throws {
    let folder = try TemporaryFolder()
    let example = try ResultExample("mha-tied", .base)
    let configuration = example.files.base.appendingPathComponent("config.json")
    try folder.write("{}", to: "own/tokenizer_config.json")
    try folder.write("x", to: "own/README.md")
    let place = folder.url.appendingPathComponent("base")
    let own = folder.url.appendingPathComponent("own")
    try example.model.writeBase(
      to: place, configuration: configuration, companions: own, as: .float32)
    let names = ["config.json", "model.safetensors", "tokenizer_config.json"]
    #expect(try FolderListing.names(in: place) == names)
    #expect(throws: MeteoRAError.file(.alreadyThere(path: place.path))) {
      try example.model.writeBase(
        to: place, configuration: configuration, companions: nil, as: .float32)
    }
    #expect(try FolderListing.names(in: place) == names)
    #expect(try folder.names() == ["base", "own"])
  }

  @Test("weights that are no numbers are refused by name, and leave the old file")
  func notFinite() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("old", to: "gates.safetensors")
    for (value, type, shown) in [
      (Float.infinity, TrainedElementType.float32, "inf, expected a finite number"),
      (.nan, .bfloat16, "nan, expected a finite number"),
      (.greatestFiniteMagnitude, .bfloat16, "3.4028235e+38, which BF16 does not hold; F32 does"),
    ] {
      let example = try ResultExample("mha-tied", .gates)
      let name = "base_model.model.model.layers.1.mlp.up_proj.moe_gate.weight"
      let gate = try #require(example.model.trained.tensors.first { $0.name == name })
      gate.values[3] = value
      try example.model.adoptTrainedValues(parallelism: .serial)
      let error = #expect(throws: MeteoRAError.self) {
        try example.model.writeGates(to: file, as: type)
      }
      #expect(
        error?.description
          == "\(file.path): element 3 of the trained tensor '\(name)' is \(shown)")
      #expect(try folder.names() == ["gates.safetensors"])
      #expect(try String(contentsOf: file, encoding: .utf8) == "old")
    }
  }

  @Test("without gates there is no gates file and no published layout")
  func noGates() throws {
    let folder = try TemporaryFolder()
    let example = try ResultExample("mha-tied", .adapter(1))
    let file = folder.url.appendingPathComponent("g.safetensors")
    #expect(throws: MeteoRAError.notRouted(model: file.path)) {
      try example.model.writeGates(to: file, as: .float32)
    }
    #expect(throws: MeteoRAError.notRouted(model: file.path)) {
      try example.model.writePublishedCheckpoint(to: file, base: example.files.base, as: .float32)
    }
    #expect(try folder.names() == [])
  }
}
