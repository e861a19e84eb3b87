import Foundation
import MeteoRA
import MeteoRAFixtures
import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath
import MeteoRASafetensors
import MeteoRATestSupport

@testable import MeteoRATraining

/// A model of the golden pack in training, with weights that are all its own.
struct ResultExample {
  /// What it was loaded from.
  let files: ModelFiles
  let parts: ModelParts
  let model: TrainableModel

  enum Part {
    case gates, gatesAndAdapters, base
    case adapter(Int)
  }

  struct MissingFixture: Error {}

  init(_ name: String, _ part: Part = .gatesAndAdapters) throws {
    guard let pack = GoldenPack.directory else { throw MissingFixture() }
    let folder = pack.appendingPathComponent("models/\(name)", isDirectory: true)
    files = try Self.files(in: folder)
    parts = try ModelParts(files, parallelism: .serial)
    switch part {
    case .base: model = TrainableModel(trainingAllOf: parts.base)
    case .adapter(let index):
      model = try TrainableModel(training: parts.adapters[index], on: parts.base)
    case .gates, .gatesAndAdapters:
      guard let gates = parts.gates else { throw MissingFixture() }
      if case .gates = part {
        model = try TrainableModel(
          trainingGatesOf: parts, from: try StartingGates(of: parts, seed: 0, trained: gates),
          trainsAdapters: false, router: files.router)
      } else {
        model = try TrainableModel(
          trainingGatesOf: parts, from: try StartingGates(of: parts, seed: 0, trained: gates),
          trainsAdapters: true, router: files.router)
      }
    }
    // Sums that need every bit of binary32.
    var random = SeededRandom(seed: 9)
    for tensor in model.trained.tensors {
      for index in 0..<tensor.count { tensor.values[index] += random.weight() / 77 }
    }
    try model.adoptTrainedValues(parallelism: .serial)
  }

  /// Where the demo's parts are: five adapters.
  static func demoFiles() throws -> ModelFiles {
    guard let folder = DemoBundle.directory else { throw MissingFixture() }
    return try ModelFiles(folder: folder)
  }

  private static func files(in folder: URL) throws -> ModelFiles {
    if ModelFiles.isBundle(folder) { return try ModelFiles(folder: folder) }
    let adapters = folder.appendingPathComponent("adapters")
    guard FileStatus.isThere(adapters) else { return ModelFiles(base: folder) }
    var files = ModelFiles(base: folder, adapters: try ModelFiles.adapters(in: adapters))
    for name in try FolderListing.names(in: folder) {
      let url = folder.appendingPathComponent(name)
      if name == "gates.safetensors" { files.gates = .file(url) }
      if name.hasSuffix("checkpoint.safetensors") { files.gates = .checkpoint(url) }
    }
    return files
  }

  /// The `adapter_config.json` of an adapter.
  func configuration(of adapter: Int) -> AdapterConfigurationSource {
    .file(files.adapters[adapter].folder.appendingPathComponent("adapter_config.json"))
  }

  /// What a result is to hold, under the names that the oracle's check knows too:
  /// `gates/{key}`, `adapters/{name}/{key}` and `base/{key}`, before it is rounded.
  var expected: [(name: String, tensor: TrainedTensor)] {
    var all: [(name: String, tensor: TrainedTensor)] = []
    for (layer, row) in model.trained.modules.enumerated() {
      for (module, trained) in zip(LinearModule.allCases, row) {
        func key(_ part: String) -> String {
          "base_model.model.\(module.path(layer: layer)).\(part).weight"
        }
        if let gate = trained.gate { all.append(("gates/\(key("moe_gate"))", gate)) }
        for (adapter, lora) in zip(parts.adapters, trained.adapters) {
          guard let lora else { continue }
          all.append(("adapters/\(adapter.name)/\(key("lora_A"))", lora.a))
          all.append(("adapters/\(adapter.name)/\(key("lora_B"))", lora.b))
        }
      }
    }
    if model.trained.base != nil {
      all += model.trained.tensors.map { ("base/\($0.name)", $0) }
    }
    return all
  }

  /// The tensors of ``expected`` whose names begin so, without that beginning.
  func expected(_ prefix: String) -> [String: TrainedTensor] {
    var part: [String: TrainedTensor] = [:]
    for (name, tensor) in expected where name.hasPrefix(prefix) {
      part[String(name.dropFirst(prefix.count))] = tensor
    }
    return part
  }

  /// What a file has otherwise than it should, in words.
  func mismatches(
    _ file: URL, _ expected: [String: TrainedTensor], as type: TrainedElementType
  ) throws -> [String] {
    let source = try SafetensorsFile(contentsOf: file)
    var found: [String] = []
    if source.metadata?.entries.map(\.key) != ["format"] || source.metadata?["format"] != "pt" {
      found.append("metadata")
    }
    if Set(source.tensors.map(\.name)) != Set(expected.keys) { found.append("names") }
    for (name, tensor) in expected {
      guard let stored = source.tensorIfPresent(named: name) else { continue }
      let values = tensor.array.map { value in
        type == .float32 ? value : Widening.float(bfloat16: Narrowing.bfloat16(value))
      }
      let actual = try stored.float32Values()
      if stored.dtype != type.dtype || stored.shape != tensor.shape
        || actual.map(\.bitPattern) != values.map(\.bitPattern)
      {
        found.append(name)
      }
    }
    return found
  }
}
