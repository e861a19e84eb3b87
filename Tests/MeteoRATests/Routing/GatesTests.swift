import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("Gates")
struct GatesTests {
  static let names = TinyBundle().gates.keys.sorted()

  private func error(_ bundle: TinyBundle) throws -> MeteoRAError {
    try #require(throws: MeteoRAError.self) { try bundle.load() }
  }

  @Test("every module that an adapter changes has one, and no other")
  func loads() throws {
    let model = try TinyBundle().load()
    #expect(model.routedModuleCount == 12)
    for layer in 0..<2 {
      for module in LinearModule.allCases {
        let routed = model.adapterSet.routedModules?[layer][module.index]
        #expect((routed == nil) == (module == .key))
        #expect(routed.map { $0.gate.outFeatures } ?? 3 == 3)
      }
    }
  }

  @Test("they are refused without one, which is named", arguments: names)
  func missing(name: String) throws {
    var bundle = TinyBundle()
    bundle.gates[name] = nil
    #expect(try error(bundle).label == "missing \(name)")
  }

  @Test("they are refused for another number of adapters, or another base", arguments: names)
  func shape(name: String) throws {
    let columns = try #require(TinyBundle().gates[name]?.shape[1])
    for shape in [
      [2, columns], [4, columns], [3, columns + 1], [columns, 3], [3 * columns], [],
    ] {
      var bundle = TinyBundle()
      bundle.gates[name] = .init(.f32, shape)
      #expect(try error(bundle).label == "shape \(name)")
    }
  }

  @Test("their number of adapters is compared before any adapter is read", arguments: [2, 4])
  func rowsFirst(rows: Int) throws {
    let name = TinyBundle.key(.query, 0, "moe_gate")
    var bundle = TinyBundle()
    // Not even its configuration can be read.
    bundle.adapters[0].fields = ["peft_type": "["]
    #expect(try error(bundle).label != "shape \(name)")
    bundle.gates[name] = .init(.f32, [rows, 8])
    #expect(try error(bundle).label == "shape \(name)")
    let checkpoint = bundle.checkpoint()
    let error = try #require(throws: MeteoRAError.self) {
      try bundle.load(checkpoint: checkpoint)
    }
    #expect(error.label == "shape \(name)")
  }

  @Test("a file without any is refused before any adapter is read")
  func noGates() throws {
    var bundle = TinyBundle()
    bundle.adapters[0].fields = ["peft_type": "["]
    bundle.gates = ["x": .init(.f32, [3, 8])]
    #expect(try error(bundle).label == "invalid moe_gate.weight")
    let checkpoint = bundle.checkpoint()
    let error = try #require(throws: MeteoRAError.self) {
      try bundle.load(checkpoint: checkpoint)
    }
    #expect(error.label == "invalid moe_gate.weight")
    #expect(error.description.hasSuffix("is absent, expected the gates of 3 adapters"))
  }

  @Test(
    "they are refused with a number type that weights cannot have",
    arguments: [.i64, .f64, .f8E5M2, .u8] as [SafetensorsDType])
  func dtype(dtype: SafetensorsDType) throws {
    var bundle = TinyBundle()
    bundle.gates[Self.names[3]] = .init(
      dtype, try #require(bundle.gates[Self.names[3]]?.shape))
    #expect(try error(bundle).label == "type \(dtype.name) \(Self.names[3])")
  }

  static let infinities: [(dtype: SafetensorsDType, bits: [UInt8])] = [
    (.f32, [0, 0, 0xC0, 0x7F]), (.f32, [0, 0, 0x80, 0x7F]), (.f32, [0, 0, 0x80, 0xFF]),
    (.f32, [1, 0, 0x80, 0x7F]), (.bf16, [0xC0, 0x7F]), (.bf16, [0x80, 0x7F]),
    (.bf16, [0x80, 0xFF]),
    (.f16, [0, 0x7E]), (.f16, [0, 0x7C]), (.f16, [0, 0xFC]),
  ]

  @Test("they are refused with an infinity or NaN, whose place is named", arguments: infinities)
  func infinite(dtype: SafetensorsDType, bits: [UInt8]) throws {
    for name in [Self.names[0], Self.names[7]] {
      let shape = try #require(TinyBundle().gates[name]?.shape)
      for element in [0, 5, shape[0] * shape[1] - 1] {
        var bundle = TinyBundle()
        var gate = TinyModel.Tensor(dtype, shape)
        gate.bytes.replaceSubrange(element * bits.count..<(element + 1) * bits.count, with: bits)
        bundle.gates[name] = gate
        let error = try error(bundle)
        #expect(error.label == "infinite \(name) \(element)")
        #expect(error.description.contains("finite"))
      }
    }
  }

  @Test("one of a module that nobody changes decides nothing, but has to be one")
  func unneeded() throws {
    let expected = try TinyBundle().load().logits(of: [1, 2, 3])
    let name = TinyBundle.key(.key, 1, "moe_gate")
    var bundle = TinyBundle()
    bundle.gates[name] = .init([Float](repeating: 3, count: 24), [3, 8])
    let model = try bundle.load()
    #expect(model.routedModuleCount == 12)
    #expect(firstDifference(try model.logits(of: [1, 2, 3]), expected) == nil)
    bundle.gates[name] = .init(.f32, [2, 8])
    #expect(try error(bundle).label == "shape \(name)")
    bundle.gates[name] = .init([Float](repeating: .nan, count: 24), [3, 8])
    #expect(try error(bundle).label == "infinite \(name) 0")
  }

  @Test(
    "they are refused with any other tensor",
    arguments: [
      TinyBundle.key(.query, 2, "moe_gate"), TinyBundle.key(.query, 0, "lora_A"), "x",
      "model.layers.0.self_attn.q_proj.moe_gate.weight",
    ])
  func extra(name: String) throws {
    var bundle = TinyBundle()
    bundle.gates[name] = .init(.f32, [3, 8])
    #expect(try error(bundle).label == "unexpected \(name)")
  }

  @Test("several adapters need them, one does not")
  func withoutGates() throws {
    let folder = try TinyBundle().folder()
    func files(_ names: [String]) -> ModelFiles {
      ModelFiles(
        base: folder.url.appendingPathComponent("base"),
        adapters: names.map {
          .init(name: $0, folder: folder.url.appendingPathComponent("adapters/\($0)"))
        })
    }
    #expect(throws: MeteoRAError.missingGates(adapters: ["first", "third"])) {
      try MeteoRAModel(files: files(["first", "third"]))
    }
    #expect(try MeteoRAModel(files: files(["third"])).defaultMode == .singleAdapter("third"))
    #expect(try MeteoRAModel(files: files([])).defaultMode == .noAdapters)
  }
}
