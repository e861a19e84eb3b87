import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("The weights of an adapter")
struct PEFTAdapterTests {
  private func error(_ bundle: TinyBundle) throws -> MeteoRAError {
    try #require(throws: MeteoRAError.self) { try bundle.load() }
  }

  static let tensors = TinyBundle().adapters[1].tensors.keys.sorted()

  @Test("it has the matrices of the file, and nothing where it has none")
  func loads() throws {
    let model = try TinyBundle().load()
    #expect(model.adapterNames == ["first", "second", "third"])
    let second = model.adapterSet.adapters[1]
    let query = try #require(second.updates[1][LinearModule.query.index])
    #expect(query.rank == 3)
    #expect(query.scaling == Float(5 / 3.0.squareRoot()))
    #expect(second.updates[0][LinearModule.up.index] == nil)
    let third = model.adapterSet.adapters[2]
    #expect(third.updates[0].allSatisfy { $0 == nil })
    #expect(third.updates[1][LinearModule.output.index]?.scaling == 0.5)
  }

  @Test("it is refused without a tensor, which is named", arguments: tensors)
  func missing(name: String) throws {
    var bundle = TinyBundle()
    bundle.adapters[1].tensors[name] = nil
    #expect(try error(bundle).label == "missing \(name)")
  }

  @Test("it is refused with a tensor of another shape, which is named", arguments: tensors)
  func shape(name: String) throws {
    let shape = try #require(TinyBundle().adapters[1].tensors[name]?.shape)
    let others = [
      [shape[0] + 1, shape[1]], [shape[0], shape[1] * 2], [shape[1], shape[0]], [shape[0]],
      [shape[0], shape[1], 1], [0, shape[1]],
    ]
    for other in others {
      var bundle = TinyBundle()
      bundle.adapters[1].tensors[name] = .init(.f32, other)
      #expect(try error(bundle).label == "shape \(name)")
    }
  }

  @Test("it is refused if the configuration has another rank than the file")
  func rank() throws {
    var bundle = TinyBundle()
    bundle.adapters[1].fields["r"] = "4"
    #expect(try error(bundle).label == "shape \(TinyBundle.key(.query, 0, "lora_A"))")
    bundle = TinyBundle()
    bundle.adapters[1].fields["rank_pattern"] = #"{"down_proj":2}"#
    #expect(try error(bundle).label == "shape \(TinyBundle.key(.down, 0, "lora_A"))")
  }

  @Test(
    "it is refused with a number type that weights cannot have",
    arguments: [.i64, .f64, .f8E4M3, .i8] as [SafetensorsDType])
  func dtype(dtype: SafetensorsDType) throws {
    for part in ["lora_A", "lora_B"] {
      let name = TinyBundle.key(.value, 1, part)
      var bundle = TinyBundle()
      let shape = try #require(bundle.adapters[1].tensors[name]?.shape)
      bundle.adapters[1].tensors[name] = .init(dtype, shape)
      #expect(try error(bundle).label == "type \(dtype.name) \(name)")
    }
  }

  @Test("its matrices may have different float types", arguments: [SafetensorsDType.bf16, .f16])
  func halves(dtype: SafetensorsDType) throws {
    var bundle = TinyBundle()
    bundle.adapters[1].tensors[TinyBundle.key(.value, 1, "lora_A")] = .init(dtype, [3, 8])
    #expect(throws: Never.self) { try bundle.load() }
  }

  @Test("it is refused with matrices that its configuration or this base has no place for")
  func extra() throws {
    for name in [
      TinyBundle.key(.up, 0, "lora_A"), TinyBundle.key(.query, 2, "lora_B"),
      "base_model.model.lm_head.lora_A.weight",
    ] {
      var bundle = TinyBundle()
      bundle.adapters[1].tensors[name] = .init(.f32, [3, 8])
      #expect(try error(bundle).label == "unexpected \(name)")
    }
  }

  @Test(
    "it is refused with tensors that plain LoRA does not have",
    arguments: [
      "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
      "base_model.model.lm_head.weight", "base_model.model.model.layers.0.self_attn.q_proj.bias",
      "base_model.model.model.embed_tokens.lora_embedding_A", "x",
    ])
  func unsupported(name: String) throws {
    var bundle = TinyBundle()
    bundle.adapters[1].tensors[name] = .init(.f32, [8])
    let error = try error(bundle)
    #expect(error.label == "unsupported a tensor")
    #expect(error.description.contains(name))
  }

  @Test("it is refused if it changes no module of the base")
  func withoutEffect() throws {
    for modules in [#"["qkv_proj"]"#, "[]", #""model\\.layers\\.7\\..*""#, #"["proj"]"#] {
      var bundle = TinyBundle()
      bundle.adapters[2].fields["target_modules"] = modules
      bundle.adapters[2].fields["layers_to_transform"] = nil
      bundle.adapters[2].tensors = [:]
      #expect(try error(bundle).label == "invalid target_modules")
    }
    var bundle = TinyBundle()
    bundle.adapters[2].fields["layers_to_transform"] = "[2]"
    bundle.adapters[2].tensors = [:]
    #expect(try error(bundle).label == "invalid target_modules")
  }

  @Test("it is refused without its files, and says so of a pickle")
  func files() throws {
    let folder = try TinyBundle().folder()
    let weights = folder.url.appendingPathComponent("adapters/second/adapter_model.safetensors")
    func error() throws -> MeteoRAError {
      try #require(throws: MeteoRAError.self) { try MeteoRAModel(contentsOf: folder.url) }
    }
    try FileManager.default.removeItem(at: weights)
    #expect(try error().description.contains("adapter_model.safetensors"))
    try folder.write("", to: "adapters/second/adapter_model.bin")
    #expect(try error().label == "unsupported the weights' file")
    #expect(try error().description.contains("adapter_model.bin"))
    try FileManager.default.createSymbolicLink(
      at: weights, withDestinationURL: folder.url.appendingPathComponent("gone"))
    #expect(try error().description.contains("adapter_model.safetensors: no such file"))
    try FileManager.default.removeItem(
      at: folder.url.appendingPathComponent("adapters/second/adapter_config.json"))
    #expect(try error().label == "unreadable")
  }
}
