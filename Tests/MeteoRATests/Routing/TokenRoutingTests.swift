import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("The routing of a token over the whole model")
struct TokenRoutingTests {
  @Test("its sums are those of the weights in the trace", arguments: RoutedModel.allCases)
  func sums(kind: RoutedModel) throws {
    let model = try kind.load()
    let prompts = [model.tokens(6), model.tokens(3, seed: 2)]
    var options = GenerationOptions()
    options.maximumNewTokens = 4
    options.endOfSequence = []
    let generation = try model.generation(of: prompts, options: options, recordsRouting: true)
    while try generation.step() != nil {}
    #expect(generation.routing(of: 0).count == 9)
    try generation.runLastTokens()
    for (index, prompt) in prompts.enumerated() {
      let tokens = prompt + generation.results[index].newTokens
      let routing = generation.routing(of: index)
      #expect(routing.count == tokens.count)
      let sums = try sumsByHand(model.trace(tokens), model: model, tokens: tokens.count)
      let layers = model.routedModuleCount
      for (token, sums) in sums.enumerated() {
        #expect(firstDifference(routing[token].sums, sums) == nil)
        #expect(routing[token].moduleCount == layers)
        let largest = try #require(sums.max())
        #expect(routing[token].dominantAdapter == sums.firstIndex(of: largest))
        #expect(routing[token].intensity == largest / Float(layers))
        #expect(routing[token].intensity > 0 && routing[token].intensity <= 1)
        #expect(abs(sums.reduce(0, +) - Float(layers)) < 1e-3)
      }
    }
  }

  /// By token and adapter, added in the order in which the modules run.
  private func sumsByHand(
    _ trace: [TraceTensor], model: MeteoRAModel, tokens: Int
  ) throws -> [[Float]] {
    let topK = model.files.router.topK
    var sums = [[Float]](
      repeating: [Float](repeating: 0, count: model.adapterNames.count), count: tokens)
    for layer in 0..<model.base.configuration.layerCount {
      for module in LinearModule.allCases {
        let path = "layers.\(layer).\(module.rawValue)"
        guard let selected = trace.first(where: { $0.name == "\(path).selected" }) else { continue }
        let weights = try #require(trace.first { $0.name == "\(path).weights" })
        guard case .int64(let adapters) = selected.values,
          case .float32(let values) = weights.values
        else { continue }
        for (place, adapter) in adapters.enumerated() {
          sums[place / topK][Int(adapter)] += values[place]
        }
      }
    }
    return sums
  }

  @Test("it is recorded only if asked for")
  func notRecorded() throws {
    let model = try TinyBundle().load()
    let generation = try model.generation(of: [[1, 2]])
    _ = try generation.step()
    #expect(generation.routing(of: 0).isEmpty)
    let recorded = try model.generation(of: [[1, 2]], recordsRouting: true)
    #expect(recorded.routing(of: 0).isEmpty)
    _ = try recorded.step()
    #expect(recorded.routing(of: 0).count == 2)
    #expect(recorded.routing(of: 0, from: 1) == Array(recorded.routing(of: 0)[1...]))
    #expect(
      recorded.routing(of: 0, from: 3).isEmpty && recorded.routing(of: 0, from: -1).count == 2)
    #expect(recorded.routing(of: 1).isEmpty && recorded.routing(of: -1).isEmpty)
  }

  @Test(
    "it cannot be recorded where no gates choose",
    arguments: [MeteoRAModel.Mode.noAdapters, .singleAdapter("first")])
  func noRouting(mode: MeteoRAModel.Mode) throws {
    let model = try TinyBundle().load()
    #expect(throws: MeteoRAError.notRouted(model: model.files.base.path)) {
      try model.generation(of: [[1, 2]], mode: mode, recordsRouting: true)
    }
    let folder = try TinyModel().folder()
    let plain = try MeteoRAModel(contentsOf: folder.url)
    #expect(throws: MeteoRAError.notRouted(model: plain.files.base.path)) {
      try plain.generation(of: [[1, 2]], recordsRouting: true)
    }
  }

  @Test("the lowest of equal sums is dominant, and no modules mean no intensity")
  func ties() {
    #expect(TokenRouting(sums: [1, 3, 3, 2], moduleCount: 4).dominantAdapter == 1)
    #expect(TokenRouting(sums: [1, 3, 3, 2], moduleCount: 4).intensity == 0.75)
    #expect(TokenRouting(sums: [0, 0], moduleCount: 4).dominantAdapter == 0)
    #expect(TokenRouting(sums: [1], moduleCount: 0).intensity == 0)
    #expect(TokenRouting(sums: [], moduleCount: 3).dominantAdapter == 0)
    #expect(TokenRouting(sums: [], moduleCount: 3).intensity == 0)
  }
}
