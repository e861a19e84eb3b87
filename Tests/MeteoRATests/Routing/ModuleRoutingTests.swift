import MeteoRALlama
import Testing

@testable import MeteoRA

@Suite("The choices of every module")
struct ModuleRoutingTests {
  @Test(
    "they are those of the trace, in the order in which modules run",
    arguments: RoutedModel.allCases)
  func equalsTrace(kind: RoutedModel) throws {
    let model = try kind.load()
    let prompts = [model.tokens(6), model.tokens(3, seed: 2)]
    var options = GenerationOptions()
    options.maximumNewTokens = 4
    options.endOfSequence = []
    let generation = try model.generation(of: prompts, options: options, recordsRouting: true)
    while try generation.step() != nil {}
    try generation.runLastTokens()
    for (index, prompt) in prompts.enumerated() {
      let tokens = prompt + generation.results[index].newTokens
      let trace = try model.trace(tokens)
      let modules = generation.moduleRouting(of: index)
      #expect(modules.count == model.routedModuleCount)
      let names = trace.map(\.name).filter { $0.hasSuffix(".selected") }
      #expect(modules.map { "layers.\($0.layer).\($0.module.rawValue).selected" } == names)
      for module in modules {
        let path = "layers.\(module.layer).\(module.module.rawValue)"
        let selected = try #require(trace.first { $0.name == "\(path).selected" })
        let weights = try #require(trace.first { $0.name == "\(path).weights" })
        #expect(module.tokenCount == tokens.count)
        #expect(module.topK == model.files.router.topK)
        #expect(.int64(module.adapters.map { Int64($0) }) == selected.values)
        guard case .float32(let values) = weights.values else {
          Issue.record("weights are not F32")
          continue
        }
        #expect(firstDifference(module.weights, values) == nil)
      }
    }
  }

  @Test("a token's are its own, and others have none")
  func choices() {
    var routing = ModuleRouting(layer: 1, module: .up, topK: 2)
    #expect(routing.tokenCount == 0)
    routing.append([(4, 0.75), (1, 0.25)])
    routing.append([(0, 0.5), (2, 0.5)])
    #expect(routing.tokenCount == 2)
    #expect(routing.choices(of: 0).map(\.adapter) == [4, 1])
    #expect(routing.choices(of: 1).map(\.weight) == [0.5, 0.5])
    #expect(routing.choices(of: 2).isEmpty && routing.choices(of: -1).isEmpty)
  }

  @Test("they are recorded only if asked for")
  func notRecorded() throws {
    let model = try TinyBundle().load()
    let generation = try model.generation(of: [[1, 2]])
    _ = try generation.step()
    #expect(generation.moduleRouting(of: 0).isEmpty)
    let recorded = try model.generation(of: [[1, 2]], recordsRouting: true)
    #expect(recorded.moduleRouting(of: 0).isEmpty)
    _ = try recorded.step()
    #expect(recorded.moduleRouting(of: 0).allSatisfy { $0.tokenCount == 2 })
    #expect(recorded.moduleRouting(of: 0).count == model.routedModuleCount)
    #expect(recorded.moduleRouting(of: 1).isEmpty)
  }
}
