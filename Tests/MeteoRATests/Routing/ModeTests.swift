import Foundation
import MeteoRAFixtures
import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRA
@testable import MeteoRALlama

/// Bundles of different shapes.
enum RoutedModel: String, CaseIterable, Sendable {
  case groupedQueries = "gqa-sharded"
  case manyTasks = "tasks28"
  case bfloat = "hf4-bundle-gqa-bf16"
  case tiny

  func load() throws -> MeteoRAModel {
    if self == .tiny { return try TinyBundle().load() }
    let folder = try #require(GoldenPack.directory)
    return try MeteoRAModel(
      contentsOf: folder.appendingPathComponent("models/\(rawValue)"), parallelism: .serial)
  }
}

extension MeteoRAModel {
  func tokens(_ count: Int, seed: UInt64 = 1) -> [Int] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in random.next(below: base.configuration.vocabularySize) }
  }
}

@Suite("What computes the linear modules")
struct ModeTests {
  @Test("without adapters it is the base model, bit for bit", arguments: RoutedModel.allCases)
  func noAdapters(kind: RoutedModel) throws {
    let model = try kind.load()
    let tokens = model.tokens(20)
    let folder = try TinyModel().folder()
    let base = try LlamaModel(folder: kind == .tiny ? folder.url : model.files.base)
    let expected = try base.logits(of: tokens)
    #expect(firstDifference(try model.logits(of: tokens, mode: .noAdapters), expected) == nil)
    #expect(firstDifference(try model.logits(of: tokens), expected) != nil)
    #expect(
      try model.generate([tokens], mode: .noAdapters) == base.generate([tokens]))
  }

  @Test("a bundle's single adapter is that adapter's folder on its own")
  func singleAdapter() throws {
    for kind in RoutedModel.allCases where kind != .tiny {
      let model = try kind.load()
      let tokens = model.tokens(12)
      for adapter in model.files.adapters.prefix(4) {
        let alone = try MeteoRAModel(
          files: ModelFiles(base: model.files.base, adapters: [adapter]), parallelism: .serial)
        #expect(alone.defaultMode == .singleAdapter(adapter.name))
        let single = try model.logits(of: tokens, mode: .singleAdapter(adapter.name))
        #expect(firstDifference(try alone.logits(of: tokens), single) == nil)
        #expect(firstDifference(try model.logits(of: tokens, mode: .noAdapters), single) != nil)
      }
    }
  }

  @Test("with one adapter, routing takes it with weight 1")
  func routedWithOne() throws {
    var bundle = TinyBundle()
    bundle.adapters = [bundle.adapters[0]]
    bundle.manifest["adapters"] = #"[{"name":"first","path":"adapters/first"}]"#
    bundle.manifest["router"] = #"{"top_k":1,"temperature":20}"#
    bundle.gates = bundle.gates.mapValues { gate in
      var one = TinyModel.Tensor(.f32, [1, gate.shape[1]])
      one.bytes = Array(gate.bytes[..<one.bytes.count])
      return one
    }
    let model = try bundle.load()
    let tokens = model.tokens(15)
    let routed = try model.logits(of: tokens)
    let single = try model.logits(of: tokens, mode: .singleAdapter("first"))
    #expect(firstDifference(routed, single) == nil)
    #expect(model.defaultMode == .routed)
  }

  @Test("an adapter that every token takes alone is that adapter", arguments: 0..<3)
  func forcedChoice(winner: Int) throws {
    var bundle = TinyBundle()
    bundle.manifest["router"] = #"{"top_k":1,"temperature":3}"#
    // Gates of zeros tie, and the lowest index wins: put the winner first.
    bundle.gates = bundle.gates.mapValues { .init(.f32, $0.shape) }
    let names = ["first", "second", "third"]
    let order = [names[winner]] + names.filter { $0 != names[winner] }
    bundle.manifest["adapters"] =
      "[" + order.map { "{\"name\":\"\($0)\",\"path\":\"adapters/\($0)\"}" }.joined(separator: ",")
      + "]"
    let model = try bundle.load()
    let tokens = model.tokens(15)
    let single = try model.logits(of: tokens, mode: .singleAdapter(names[winner]))
    #expect(firstDifference(try model.logits(of: tokens), single) == nil)
  }

  @Test("an adapter that a model does not have is refused, and those it has are named")
  func unknownAdapter() throws {
    let model = try TinyBundle().load()
    for name in ["", "First", "first ", "fi\u{301}rst"] {
      let expected = MeteoRAError.unknownAdapter(name: name, known: ["first", "second", "third"])
      #expect(throws: expected) { try model.logits(of: [1], mode: .singleAdapter(name)) }
      #expect(throws: expected) { try model.generate([[1]], mode: .singleAdapter(name)) }
      #expect(throws: expected) { try model.trace([1], mode: .singleAdapter(name)) }
    }
  }

  @Test("a model without gates does not route")
  func notRouted() throws {
    let folder = try TinyModel().folder()
    let model = try MeteoRAModel(contentsOf: folder.url)
    let expected = MeteoRAError.notRouted(model: folder.url.path)
    #expect(throws: expected) { try model.logits(of: [1], mode: .routed) }
    #expect(throws: expected) { try model.trace([1], mode: .routed) }
    #expect(throws: expected) { try model.generation(of: [[1]], mode: .routed) }
    let error = try #require(throws: MeteoRAError.self) {
      try model.logits(of: [1], mode: .singleAdapter("a"))
    }
    #expect(error.description == "no adapter is named 'a'; the model has none")
    #expect(model.routedModuleCount == 0)
  }

  @Test("it refuses tokens that cannot be run, in every mode")
  func refusals() throws {
    let model = try TinyBundle().load()
    for mode in [MeteoRAModel.Mode.routed, .noAdapters, .singleAdapter("first")] {
      #expect(throws: MeteoRAError.llama(.emptyPrompt(index: 0))) {
        try model.logits(of: [], mode: mode)
      }
      #expect(
        throws: MeteoRAError.llama(.tokenOutOfRange(id: 11, position: 1, vocabularySize: 11))
      ) { try model.logits(of: [0, 11], mode: mode) }
      #expect(throws: MeteoRAError.llama(.promptTooLong(index: 0, count: 641, maximum: 640))) {
        try model.logits(of: [Int](repeating: 0, count: 641), mode: mode)
      }
    }
  }
}

@Suite("Routed and single adapters give the same bits")
struct RoutedInvarianceTests {
  static let modes: [@Sendable (MeteoRAModel) -> MeteoRAModel.Mode] = [
    { _ in .routed }, { .singleAdapter($0.adapterNames[0]) },
  ]

  @Test(
    "in every kernel, with any number of threads", arguments: RoutedModel.allCases, [1, 2, 5, 64])
  func kernels(kind: RoutedModel, threads: Int) throws {
    let model = try kind.load()
    let tokens = model.tokens(33)
    let parallelism = try Parallelism(threads: threads)
    for mode in Self.modes.map({ $0(model) }) {
      let expected = try model.with(kernel: .loop).logits(of: tokens, mode: mode)
      for kernel in LoRAMoEKernel.allCases {
        let other = model.with(kernel: kernel, parallelism: parallelism)
        #expect(other.kernel == kernel && other.parallelism == parallelism)
        #expect(firstDifference(try other.logits(of: tokens, mode: mode), expected) == nil)
      }
    }
  }

  @Test("in parts of any length, alone and in a batch", arguments: RoutedModel.allCases)
  func partsAndBatches(kind: RoutedModel) throws {
    let model = try kind.load()
    let configuration = model.base.configuration
    let width = configuration.vocabularySize
    for mode in Self.modes.map({ $0(model) }) {
      let evaluator = try model.evaluator(for: mode)
      func run(_ inputs: [SequenceInput]) throws -> [Float] {
        try model.base.forward(
          inputs, logits: .all, evaluator: evaluator, parallelism: .serial)
      }
      let tokens = model.tokens(131)
      let whole = try model.logits(of: tokens, mode: mode)
      for length in [1, 3, 128, 129] {
        let state = SequenceState(for: configuration)
        var logits: [Float] = []
        for first in stride(from: 0, to: tokens.count, by: length) {
          let part = Array(tokens[first..<min(first + length, tokens.count)])
          logits += try run([SequenceInput(tokens: part, state: state)])
        }
        #expect(firstDifference(logits, whole) == nil)
      }
      let other = model.tokens(7, seed: 3)
      let batch = try run([
        SequenceInput(tokens: other, state: SequenceState(for: configuration)),
        SequenceInput(tokens: tokens, state: SequenceState(for: configuration)),
      ])
      #expect(firstDifference(Array(batch[(7 * width)...]), whole) == nil)
      let alone = try model.logits(of: other, mode: mode)
      #expect(firstDifference(Array(batch[..<(7 * width)]), alone) == nil)
    }
  }
}
