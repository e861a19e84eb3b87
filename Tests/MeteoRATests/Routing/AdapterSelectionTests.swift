import MeteoRAKernels
import MeteoRALlama
import Testing

@testable import MeteoRA

@Suite("Gates that may choose among some adapters")
struct AdapterSelectionTests {
  /// Indices of the tiny bundle's adapters; no other but `first` changes `gate_proj`, and `third`
  /// changes nothing in layer 0.
  static let masks = [[0, 1], [0, 2], [1, 2], [0], [1], [2]]
  private static let names = ["first", "second", "third"]

  private static func selections(_ mask: [Int]) -> [AdapterSelection] {
    let others = names.indices.filter { !mask.contains($0) }
    return [.only(mask.reversed().map { names[$0] }), .without(others.map { names[$0] })]
  }

  @Test("what it can choose is known before it runs", arguments: masks)
  func scope(mask: [Int]) throws {
    let model = try model(topK: 1)
    let smaller = try TinyBundle().keeping(mask, topK: 1).load()
    for selection in Self.selections(mask) {
      let scope = try model.routingScope(in: .routedAmong(selection))
      #expect(scope.adapters == mask && scope.topK == 1)
      #expect(scope.moduleCounts.reduce(0, +) == smaller.routedModuleCount)
      #expect(scope.moduleCounts == (try smaller.routingScope().moduleCounts))
    }
    #expect(throws: MeteoRAError.notRouted(model: model.files.base.path)) {
      try model.routingScope(in: .noAdapters)
    }
  }

  private func model(topK: Int = 2) throws -> MeteoRAModel {
    try TinyBundle().keeping([0, 1, 2], topK: topK).load()
  }

  @Test(
    "it has the bits of a model of those adapters and rows alone", arguments: masks, [1, 2])
  func equalsSmallerModel(mask: [Int], topK: Int) throws {
    let topK = min(topK, mask.count)
    let model = try model(topK: topK)
    let alone = try TinyBundle().keeping(mask, topK: topK).load()
    let tokens = model.tokens(33)
    let expected = try alone.trace(tokens, detail: .everything)
    for selection in Self.selections(mask) {
      let trace = try model.trace(tokens, mode: .routedAmong(selection), detail: .everything)
      #expect(trace.map(\.name) == expected.map(\.name))
      for (actual, expected) in zip(trace, expected) {
        #expect(try Self.narrowed(actual, to: mask) == expected, "\(actual.name)")
      }
      #expect(
        try model.generate([tokens], mode: .routedAmong(selection)) == alone.generate([tokens]))
    }
  }

  /// The tensor as the model of the masked adapters alone would have it.
  private static func narrowed(_ tensor: TraceTensor, to mask: [Int]) throws -> TraceTensor {
    var tensor = tensor
    switch tensor.values {
    case .int64(let indices):
      tensor.values = .int64(
        try indices.map { Int64(try #require(mask.firstIndex(of: Int($0)))) })
    case .float32(let values) where tensor.name.hasSuffix("gate_logits"):
      #expect(tensor.shape[1] == 3)
      tensor.shape[1] = mask.count
      tensor.values = .float32(
        (0..<tensor.shape[0]).flatMap { token in mask.map { values[token * 3 + $0] } })
    case .float32: break
    }
    return tensor
  }

  @Test(
    "it has the bits of routing without a mask if all are allowed", arguments: RoutedModel.allCases)
  func allAllowed(kind: RoutedModel) throws {
    let model = try kind.load()
    let tokens = model.tokens(20)
    let expected = try model.trace(tokens)
    for selection in [AdapterSelection.all, .only(model.adapterNames), .without([])] {
      #expect(try model.trace(tokens, mode: .routedAmong(selection)) == expected)
    }
  }

  @Test(
    "it has the same bits in every kernel, with any number of threads",
    arguments: RoutedModel.allCases, [1, 2, 5, 64])
  func invariance(kind: RoutedModel, threads: Int) throws {
    let model = try kind.load()
    let mode = MeteoRAModel.Mode.routedAmong(
      .without([model.adapterNames[model.files.router.topK % model.adapterNames.count]]))
    let tokens = model.tokens(33)
    let router = RouterConfiguration(topK: 1, temperature: model.files.router.temperature)
    for model in [model, try model.with(router: router)]
    where model.files.router.topK < model.adapterNames.count {
      let expected = try model.with(kernel: .loop).logits(of: tokens, mode: mode)
      #expect(firstDifference(try model.logits(of: tokens), expected) != nil)
      for kernel in LoRAMoEKernel.allCases {
        let other = model.with(kernel: kernel, parallelism: try Parallelism(threads: threads))
        #expect(firstDifference(try other.logits(of: tokens, mode: mode), expected) == nil)
      }
    }
  }

  @Test("a batch of prompts has the bits that each has alone, and records allowed adapters only")
  func batchAndRouting() throws {
    let model = try model(topK: 1)
    let mode = MeteoRAModel.Mode.routedAmong(.without(["first"]))
    let prompts = [model.tokens(7), model.tokens(30, seed: 4), [3]]
    let generation = try model.generation(of: prompts, mode: mode, recordsRouting: true)
    while try generation.step() != nil {}
    try generation.runLastTokens()
    for (index, prompt) in prompts.enumerated() {
      #expect(try model.generate([prompt], mode: mode) == [generation.results[index]])
      let routing = generation.routing(of: index)
      #expect(routing.count == prompt.count + generation.results[index].newTokens.count)
      #expect(routing.allSatisfy { $0.sums[0] == 0 && $0.sums.count == 3 })
      // Of the twelve modules, those that `second` or `third` changes.
      #expect(routing.allSatisfy { $0.moduleCount == 8 && $0.sums.reduce(0, +) == 8 })
    }
  }

  @Test("adapters that are not there, and none that is left, are refused")
  func refusals() throws {
    let model = try model()
    func expect(_ selection: AdapterSelection, _ expected: MeteoRAError) {
      let mode = MeteoRAModel.Mode.routedAmong(selection)
      #expect(throws: expected) { try model.logits(of: [1], mode: mode) }
      #expect(throws: expected) { try model.trace([1], mode: mode) }
      #expect(throws: expected) { try model.generation(of: [[1]], mode: mode) }
      #expect(throws: expected) {
        try model.generation(of: [[1]], mode: mode, recordsRouting: true)
      }
    }
    for name in ["", "First", "first ", "fi\u{301}rst"] {
      let unknown = MeteoRAError.unknownAdapter(name: name, known: Self.names)
      expect(.only(["first", name]), unknown)
      expect(.without([name]), unknown)
    }
    expect(.only([]), .noAllowedAdapter(known: Self.names))
    expect(.without(Self.names), .noAllowedAdapter(known: Self.names))
    expect(.only(["third"]), .tooFewAllowed(topK: 2, allowed: ["third"]))
    expect(.only(["third", "third"]), .tooFewAllowed(topK: 2, allowed: ["third"]))
    expect(.without(["first", "third"]), .tooFewAllowed(topK: 2, allowed: ["second"]))
    #expect(
      MeteoRAError.tooFewAllowed(topK: 2, allowed: ["third"]).description
        == "the router takes 2 adapters for every token, but may choose among third only; "
        + "expected a router top-k of at most 1")
  }

  @Test("a model without gates has nothing to choose")
  func refusesWithoutGates() throws {
    let folder = try TinyBundle().base.folder()
    let model = try MeteoRAModel(contentsOf: folder.url)
    for selection in [AdapterSelection.all, .only(["a"]), .without(["a"])] {
      #expect(throws: MeteoRAError.notRouted(model: folder.url.path)) {
        try model.logits(of: [1], mode: .routedAmong(selection))
      }
    }
    #expect(throws: MeteoRAError.notRouted(model: folder.url.path)) {
      try model.with(router: RouterConfiguration(topK: 1))
    }
  }

  @Test("the router's settings can be changed, within what loading would take")
  func changesRouter() throws {
    let model = try model()
    let tokens = model.tokens(9)
    let changed = try model.with(router: RouterConfiguration(topK: 1, temperature: 1.5))
    #expect(changed.files.router.topK == 1 && model.files.router.topK == 2)
    let loaded = try self.model(topK: 1)
    let expected = try loaded.logits(of: tokens)
    #expect(firstDifference(try changed.logits(of: tokens), expected) == nil)
    for (topK, temperature) in [(0, 1), (4, 1), (.max, 1), (1, 0), (1, .nan)] as [(Int, Float)] {
      #expect(throws: MeteoRAError.self) {
        try model.with(router: RouterConfiguration(topK: topK, temperature: temperature))
      }
    }
  }
}
