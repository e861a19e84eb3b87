import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("Disabling adapters of a loaded model")
struct AdapterDisablingTests {
  @Test("gates choose among the others, and the rest can be enabled again")
  func disables() throws {
    let model = try TinyBundle().load()
    let tokens = model.tokens(21)
    let disabled = try model.disabling(["second"])
    #expect(disabled.disabledAdapters == ["second"])
    #expect(disabled.adapterNames == model.adapterNames)
    let alone = try TinyBundle().keeping([0, 2], topK: 2).load()
    let expected = try alone.logits(of: tokens)
    #expect(firstDifference(try disabled.logits(of: tokens), expected) == nil)
    let mode = MeteoRAModel.Mode.routedAmong(.without(["second"]))
    #expect(firstDifference(try disabled.logits(of: tokens, mode: mode), expected) == nil)
    #expect(disabled.defaultMode == .routed)

    let enabled = try disabled.enabling(["second", "first"])
    #expect(enabled.disabledAdapters.isEmpty)
    let all = try model.logits(of: tokens)
    #expect(firstDifference(try enabled.logits(of: tokens), all) == nil)
    #expect(firstDifference(try model.logits(of: tokens), expected) != nil)
  }

  @Test("a selection counts what is disabled as not there")
  func combines() throws {
    let model = try TinyBundle().keeping([0, 1, 2], topK: 1).load().disabling(["first"])
    let tokens = model.tokens(9)
    let alone = try TinyBundle().keeping([2], topK: 1).load()
    let actual = try model.logits(of: tokens, mode: .routedAmong(.without(["second"])))
    #expect(firstDifference(actual, try alone.logits(of: tokens)) == nil)
    #expect(throws: MeteoRAError.disabledAdapter(name: "first")) {
      try model.logits(of: tokens, mode: .routedAmong(.only(["first", "second"])))
    }
    #expect(throws: MeteoRAError.disabledAdapter(name: "first")) {
      try model.logits(of: tokens, mode: .singleAdapter("first"))
    }
    #expect(throws: MeteoRAError.disabledAdapter(name: "first")) {
      try model.trace(tokens, mode: .singleAdapter("first"))
    }
  }

  @Test("with fewer enabled than a token takes, it does not route")
  func tooFew() throws {
    let model = try TinyBundle().load().disabling(["second", "third"])
    #expect(throws: MeteoRAError.tooFewAllowed(topK: 2, allowed: ["first"])) {
      try model.logits(of: [1])
    }
    #expect(throws: Never.self) {
      try model.with(router: RouterConfiguration(topK: 1)).logits(of: [1])
    }
  }

  @Test("with all disabled it is the base")
  func allDisabled() throws {
    let model = try TinyBundle().load()
    let none = try model.disabling(model.adapterNames)
    #expect(none.defaultMode == .noAdapters)
    let tokens = model.tokens(5)
    let expected = try model.logits(of: tokens, mode: .noAdapters)
    #expect(firstDifference(try none.logits(of: tokens), expected) == nil)
    #expect(throws: MeteoRAError.noAllowedAdapter(known: model.adapterNames)) {
      try none.logits(of: tokens, mode: .routed)
    }
  }

  @Test("an adapter that is not there is refused, and nothing changes")
  func refusals() throws {
    let model = try TinyBundle().load()
    let expected = MeteoRAError.unknownAdapter(name: "forth", known: model.adapterNames)
    #expect(throws: expected) { try model.disabling(["first", "forth"]) }
    #expect(throws: expected) { try model.enabling(["forth"]) }
    #expect(model.disabledAdapters.isEmpty)
  }
}

@Suite("Adding an adapter to a loaded model")
struct AdapterAddingTests {
  /// A model of the first two adapters, and what the third adds.
  private struct Example {
    let folder: TemporaryFolder
    let model: MeteoRAModel
    let third: ModelFiles.Adapter
    var rows = GateRows()

    init(topK: Int = 2) throws {
      let whole = TinyBundle()
      folder = try whole.folder()
      third = .init(
        name: "third", folder: folder.url.appendingPathComponent("adapters/third"))
      model = try whole.keeping([0, 1], topK: topK).load()
      for layer in 0..<2 {
        for module in LinearModule.allCases where module != .key {
          rows[layer: layer, module] = try Self.row(whole, module, layer)
        }
      }
    }

    static func row(_ bundle: TinyBundle, _ module: LinearModule, _ layer: Int) throws -> [Float] {
      let gate = try #require(bundle.gates[TinyBundle.key(module, layer, "moe_gate")])
      let width = gate.shape[1]
      return (2 * width..<3 * width).map { element in
        let bits = (0..<4).reduce(UInt32(0)) {
          $0 | UInt32(gate.bytes[element * 4 + $1]) << (8 * UInt32($1))
        }
        return Float(bitPattern: bits)
      }
    }
  }

  @Test("with rows for the gates it is the model of all three files", arguments: [1, 2])
  func withRows(topK: Int) throws {
    let example = try Example(topK: topK)
    let model = try example.model.adding(example.third, gateRows: example.rows)
    #expect(model.adapterNames == ["first", "second", "third"])
    let whole = try TinyBundle().keeping([0, 1, 2], topK: topK).load()
    let tokens = model.tokens(40)
    #expect(
      try model.trace(tokens, detail: .everything) == whole.trace(tokens, detail: .everything))
    for kernel in LoRAMoEKernel.allCases {
      let other = model.with(kernel: kernel, parallelism: try Parallelism(threads: 3))
      #expect(firstDifference(try other.logits(of: tokens), try whole.logits(of: tokens)) == nil)
    }
    // The model it was added to goes on without it.
    #expect(example.model.adapterNames == ["first", "second"])
    let before = try TinyBundle().keeping([0, 1], topK: topK).load().logits(of: tokens)
    #expect(firstDifference(try example.model.logits(of: tokens), before) == nil)
  }

  @Test("rows are read from a gates file of one adapter, in any type that gates have")
  func rowsFromFile() throws {
    let example = try Example()
    let gates = TinyBundle().keeping([2], topK: 1).gates
    let file = try example.folder.write(TinyModel.safetensors(gates), to: "row.safetensors")
    let rows = try GateRows(contentsOf: file, base: example.model.base.configuration)
    for layer in 0..<2 {
      for module in LinearModule.allCases {
        #expect(rows[layer: layer, module] == example.rows[layer: layer, module])
      }
    }
    let tokens = example.model.tokens(8)
    let model = try example.model.adding(example.third, gateRows: rows)
    let whole = try TinyBundle().load()
    #expect(firstDifference(try model.logits(of: tokens), try whole.logits(of: tokens)) == nil)
  }

  @Test("without a row it runs alone, and the gates choose among the others")
  func withoutRow() throws {
    let example = try Example()
    let model = try example.model.adding(example.third)
    #expect(model.adapterNames == ["first", "second", "third"])
    #expect(model.defaultMode == .routed)
    let tokens = model.tokens(12)
    let whole = try TinyBundle().load()
    let single = MeteoRAModel.Mode.singleAdapter("third")
    #expect(
      firstDifference(
        try model.logits(of: tokens, mode: single), try whole.logits(of: tokens, mode: single))
        == nil)
    #expect(try model.trace(tokens) == example.model.trace(tokens))
    #expect(try model.trace(tokens, mode: .routedAmong(.without(["third"]))) == model.trace(tokens))
    #expect(throws: MeteoRAError.adapterWithoutGate(name: "third")) {
      try model.logits(of: tokens, mode: .routedAmong(.only(["first", "third"])))
    }
  }

  @Test("adapters with and without rows can follow each other")
  func mixes() throws {
    let example = try Example()
    let again = ModelFiles.Adapter(name: "alone", folder: example.third.folder)
    let model = try example.model.adding(again).adding(example.third, gateRows: example.rows)
      .disabling(["alone"])
    #expect(model.adapterNames == ["first", "second", "third", "alone"])
    #expect(model.disabledAdapters == ["alone"])
    let tokens = model.tokens(12)
    #expect(try model.trace(tokens) == TinyBundle().load().trace(tokens))
  }

  @Test("a plain model takes any number, to be run alone")
  func plainModel() throws {
    let bundle = TinyBundle()
    let folder = try bundle.folder()
    var model = try MeteoRAModel(contentsOf: folder.url.appendingPathComponent("base"))
    for name in ["second", "first"] {
      model = try model.adding(
        .init(name: name, folder: folder.url.appendingPathComponent("adapters/\(name)")))
    }
    #expect(model.defaultMode == .singleAdapter("second"))
    #expect(try model.disabling(["second"]).defaultMode == .singleAdapter("first"))
    let tokens = model.tokens(12)
    let whole = try bundle.load()
    for name in ["first", "second"] {
      let mode = MeteoRAModel.Mode.singleAdapter(name)
      #expect(
        firstDifference(
          try model.logits(of: tokens, mode: mode), try whole.logits(of: tokens, mode: mode))
          == nil)
    }
    #expect(throws: MeteoRAError.notRouted(model: model.files.base.path)) {
      try model.adding(
        .init(name: "third", folder: folder.url.appendingPathComponent("adapters/third")),
        gateRows: GateRows())
    }
  }

  @Test("a name that is taken or is no name, and a folder that is none, are refused")
  func refusesAdapter() throws {
    let example = try Example()
    let folder = example.third.folder
    #expect(throws: MeteoRAError.duplicateAdapter(name: "second")) {
      try example.model.adding(.init(name: "second", folder: folder), gateRows: example.rows)
    }
    for name in ["", "..", "a/b"] {
      let error = try #require(throws: MeteoRAError.self) {
        try example.model.adding(.init(name: name, folder: folder))
      }
      #expect(error.label == "invalid adapter name")
    }
    #expect(throws: MeteoRAError.self) {
      try example.model.adding(
        .init(name: "x", folder: folder.appendingPathComponent("nothing")))
    }
  }

  @Test("rows that are missing, of another length or not finite are refused")
  func refusesRows() throws {
    let example = try Example()
    func label(_ change: (inout GateRows) -> Void) throws -> String {
      var rows = example.rows
      change(&rows)
      return try #require(throws: MeteoRAError.self) {
        try example.model.adding(example.third, gateRows: rows)
      }.label
    }
    let path = LinearModule.down.path(layer: 1)
    #expect(try label { $0[layer: 1, .down] = nil } == "invalid the row of \(path)")
    #expect(try label { $0[layer: 1, .down]?.removeLast() } == "invalid the row of \(path)")
    #expect(try label { $0[layer: 1, .down]?.append(0) } == "invalid the row of \(path)")
    for value in [Float.nan, .infinity, -.infinity] {
      #expect(try label { $0[layer: 1, .down]?[5] = value } == "infinite \(path) 5")
    }
  }

  @Test("an adapter that changes a module without a gate is refused")
  func refusesModule() throws {
    let example = try Example()
    // Without `first` nothing changes o_proj, gate_proj and up_proj; `third` changes o_proj and up_proj.
    let model = try TinyBundle().keeping([1], topK: 1).load()
    #expect(
      throws: MeteoRAError.moduleWithoutGate(
        adapter: "third", module: LinearModule.output.path(layer: 1))
    ) { try model.adding(example.third, gateRows: example.rows) }
  }

  @Test("a file of rows with another shape or a tensor that is no row is refused")
  func refusesFile() throws {
    let example = try Example()
    func error(_ change: (inout [String: TinyModel.Tensor]) -> Void) throws -> MeteoRAError {
      var gates = TinyBundle().keeping([2], topK: 1).gates
      change(&gates)
      let file = try example.folder.write(TinyModel.safetensors(gates), to: "r.safetensors")
      return try #require(throws: MeteoRAError.self) {
        try GateRows(contentsOf: file, base: example.model.base.configuration)
      }
    }
    let key = TinyBundle.key(.query, 0, "moe_gate")
    #expect(try error { $0[key] = .init(.f32, [2, 8]) }.label == "shape \(key)")
    #expect(try error { $0[key] = .init(.f32, [1, 9]) }.label == "shape \(key)")
    #expect(try error { $0[key] = .init(.i64, [1, 8]) }.label == "type I64 \(key)")
    #expect(try error { $0["other"] = .init(.f32, [1]) }.label == "unexpected other")
    #expect(throws: MeteoRAError.self) {
      try GateRows(
        contentsOf: example.folder.url.appendingPathComponent("none"),
        base: example.model.base.configuration)
    }
  }
}
