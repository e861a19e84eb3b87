import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Adapters of their own settings")
struct LoRASettingsTests {
  static let all: [LoRASettings] = [
    LoRASettings(rank: 4, alpha: 16, targetModules: .names(["q_proj", "v_proj"])),
    LoRASettings(
      rank: 2, alpha: 0.5, targetModules: .names(LinearModule.allCases.map(\.rawValue)),
      usesRankStabilization: true, dropout: 0.1, layersToTransform: [1],
      layersPattern: ["layers"], baseModel: "a/b"),
    LoRASettings(
      rank: 3, alpha: 6, targetModules: .expression(#".*\.mlp\.(up|down)_proj"#)),
    LoRASettings(rank: 1, alpha: 2, targetModules: .allLinear),
    LoRASettings(
      rank: 2, alpha: 8, targetModules: .names(["q_proj", "o_proj"]),
      rankPattern: [("model.layers.1.self_attn.q_proj", 5)],
      alphaPattern: [("model.layers.0.self_attn.o_proj", 3)]),
  ]

  @Test("they are written, and load to the same adapter", arguments: all.indices)
  func loads(index: Int) throws {
    let settings = Self.all[index]
    let folder = try TemporaryFolder()
    let example = try SettingsExample(settings, on: "mha-tied")
    let place = folder.url.appendingPathComponent("new")
    try example.model.writeAdapter(
      to: place, configuration: .settings(settings), as: .float32)
    #expect(try folder.names() == ["new"])
    let loaded = try PEFTAdapter(
      name: "new", folder: place, base: example.parts.base.configuration)
    let again = try TrainableModel(training: loaded, on: example.parts.base)
    #expect(again.trained.tensors.map(\.name) == example.model.trained.tensors.map(\.name))
    #expect(
      again.trained.tensors.map { $0.array.map(\.bitPattern) }
        == example.model.trained.tensors.map { $0.array.map(\.bitPattern) })
    for (layer, row) in again.modules.enumerated() {
      for module in LinearModule.allCases {
        let scaling = row[module.index]?.bank.adapters[0]?.scaling
        #expect(scaling == example.updates[layer][module.index]?.scaling)
      }
    }
  }

  @Test("weights that are not those of the settings are refused, and nothing is written")
  func refuses() throws {
    let folder = try TemporaryFolder()
    let example = try SettingsExample(Self.all[0], on: "mha-tied")
    let place = folder.url.appendingPathComponent("new")
    for settings in Self.all.dropFirst() {
      #expect(throws: MeteoRAError.self) {
        try example.model.writeAdapter(
          to: place, configuration: .settings(settings), as: .float32)
      }
      #expect(try folder.names() == [])
    }
  }

  @Test("settings out of range are refused by name")
  func range() {
    #expect(throws: MeteoRAError.self) {
      try LoRASettings(rank: 0, alpha: 1, targetModules: .allLinear).configuration()
    }
    #expect(throws: MeteoRAError.self) {
      try LoRASettings(rank: 1, alpha: .infinity, targetModules: .allLinear).configuration()
    }
    #expect(throws: MeteoRAError.self) {
      try LoRASettings(rank: 1, alpha: 1, targetModules: .names(["lm_head"])).configuration()
    }
  }
}

/// One adapter that settings describe, with random weights, on a base of the golden pack.
struct SettingsExample {
  /// The folder of the base.
  let base: URL
  let parts: ModelParts
  let model: TrainableModel
  let updates: [[LoRAConfiguration.Update?]]

  init(_ settings: LoRASettings, on name: String) throws {
    let base = try ResultExample(name, .base)
    self.base = base.files.base
    parts = base.parts
    let llama = base.parts.base
    updates = try settings.configuration().updates(layerCount: llama.layers.count)
    var random = SeededRandom(seed: 4)
    var modules: [[TrainableModule?]] = []
    var trained: [[TrainedModule]] = []
    for (layer, row) in updates.enumerated() {
      var routed: [TrainableModule?] = []
      var tensors: [TrainedModule] = []
      for module in LinearModule.allCases {
        var own = TrainedModule()
        if let update = row[module.index] {
          let shape = llama.configuration.shape(of: module)
          func tensor(_ part: String, _ shape: [Int]) -> TrainedTensor {
            TrainedTensor(
              name: PEFTAdapter.key(module, layer: layer, part), shape: shape,
              values: (0..<shape[0] * shape[1]).map { _ in random.weight() / 3 })
          }
          let adapter = TrainedAdapter(
            a: tensor("lora_A", [update.rank, shape.inFeatures]),
            b: tensor("lora_B", [shape.outFeatures, update.rank]), scaling: update.scaling)
          own.adapters = [adapter]
          let lora = try LoRAAdapter(
            a: adapter.a.weights(parallelism: .serial), b: adapter.b.weights(parallelism: .serial),
            scaling: update.scaling)
          routed.append(
            try TrainableModule(
              gate: nil,
              bank: LoRABank(
                adapters: [lora], outFeatures: shape.outFeatures, inFeatures: shape.inFeatures)))
        } else {
          routed.append(nil)
        }
        tensors.append(own)
      }
      modules.append(routed)
      trained.append(tensors)
    }
    model = TrainableModel(
      llama: llama, modules: modules, trained: TrainedWeights(modules: trained), adapterCount: 1,
      topK: 1, temperature: 1)
  }
}
