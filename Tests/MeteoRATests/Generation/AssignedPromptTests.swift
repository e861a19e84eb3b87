import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("Prompts with given adapters")
struct AssignedPromptTests {
  private func options(_ maximumNewTokens: Int) -> GenerationOptions {
    var options = GenerationOptions()
    options.maximumNewTokens = maximumNewTokens
    options.endOfSequence = []
    return options
  }

  /// An adapter for each token, some without, in runs of one to five.
  private func mixed(_ count: Int, of model: MeteoRAModel, seed: UInt64 = 9) -> [String?] {
    var random = SeededRandom(seed: seed)
    let names: [String?] = model.adapterNames + [nil]
    var adapters: [String?] = []
    while adapters.count < count {
      let name = names[random.next(below: names.count)]
      adapters += (0...random.next(below: 5)).map { _ in name }
    }
    return Array(adapters.prefix(count))
  }

  @Test(
    "with one adapter for all tokens it is that adapter alone, bit for bit",
    arguments: RoutedModel.allCases, LoRAMoEKernel.allCases)
  func oneAdapter(kind: RoutedModel, kernel: LoRAMoEKernel) throws {
    let model = try kind.load().with(kernel: kernel)
    let tokens = model.tokens(33)
    for name in model.adapterNames.prefix(4) {
      let expected = try model.logits(of: tokens, mode: .singleAdapter(name))
      for threads in [1, 2, 5] {
        let model = model.with(parallelism: try Parallelism(threads: threads))
        let given = try model.logits(of: AssignedPrompt(tokens: tokens, adapter: name))
        #expect(firstDifference(given, expected) == nil)
      }
    }
    let base = try model.logits(of: AssignedPrompt(tokens: tokens, adapter: nil))
    #expect(firstDifference(base, try model.logits(of: tokens, mode: .noAdapters)) == nil)
  }

  @Test(
    "with many adapters the bits are those of every kernel and number of threads",
    arguments: RoutedModel.allCases)
  func mixedAdapters(kind: RoutedModel) throws {
    let model = try kind.load()
    let tokens = model.tokens(70)
    let prompt = AssignedPrompt(tokens: tokens, adapters: mixed(70, of: model))
    let expected = try model.with(kernel: .loop).logits(of: prompt)
    for kernel in LoRAMoEKernel.allCases {
      for threads in [1, 2, 5] {
        let other = model.with(kernel: kernel, parallelism: try Parallelism(threads: threads))
        #expect(firstDifference(try other.logits(of: prompt), expected) == nil)
      }
    }
    let alone = try model.logits(of: AssignedPrompt(tokens: tokens, adapter: nil))
    #expect(firstDifference(alone, expected) != nil)
  }

  @Test("a token's adapter changes no row before it", arguments: RoutedModel.allCases)
  func beginnings(kind: RoutedModel) throws {
    let model = try kind.load()
    let tokens = model.tokens(20)
    let name = model.adapterNames[1]
    var prompt = AssignedPrompt(tokens: tokens, adapter: name)
    for place in 12..<20 { prompt.adapters[place] = nil }
    let logits = try model.logits(of: prompt)
    let single = try model.logits(of: tokens, mode: .singleAdapter(name))
    let width = model.base.configuration.vocabularySize
    #expect(
      firstDifference(Array(logits[..<(12 * width)]), Array(single[..<(12 * width)])) == nil)
    #expect(
      firstDifference(Array(logits[(12 * width)...]), Array(single[(12 * width)...])) != nil)
  }

  @Test(
    "prompts of a batch take adapters of their own, each as alone", arguments: RoutedModel.allCases)
  func batches(kind: RoutedModel) throws {
    let model = try kind.load()
    let names: [String?] = Array(model.adapterNames.prefix(3)) + [nil]
    let prompts = names.enumerated().map { index, name in
      AssignedPrompt(tokens: model.tokens(3 + 5 * index, seed: UInt64(index)), adapter: name)
    }
    let expected = try zip(names, prompts).map { name, prompt in
      try model.generate(
        [prompt.tokens], mode: name.map { .singleAdapter($0) } ?? .noAdapters, options: options(7)
      )[0]
    }
    let generation = try model.generation(of: prompts, options: options(7))
    while try generation.step() != nil {}
    #expect(generation.results == expected)
  }

  @Test("the caller decides after each token who writes the next", arguments: RoutedModel.allCases)
  func switches(kind: RoutedModel) throws {
    let model = try kind.load()
    let prompts = [5, 2].map { length in
      AssignedPrompt(
        tokens: model.tokens(length), adapters: mixed(length, of: model, seed: UInt64(length)))
    }
    let plan = [mixed(12, of: model, seed: 1), mixed(12, of: model, seed: 2)]
    let generation = try model.generation(of: prompts, options: options(12))
    var step = 0
    while let tokens = try generation.step() {
      for token in tokens {
        // What is not said follows the token before.
        if step > 0, plan[token.sequence][step] == plan[token.sequence][step - 1] { continue }
        try generation.switchAdapter(of: token.sequence, to: plan[token.sequence][step])
      }
      step += 1
    }
    let width = model.base.configuration.vocabularySize
    for (index, prompt) in prompts.enumerated() {
      var whole = prompt
      let new = try #require(generation.result(of: index)).newTokens
      #expect(new.count == 12)
      for (place, id) in new.enumerated() {
        let logits = Array(try model.logits(of: whole).suffix(width))
        #expect(logits.indices.max { logits[$0] < logits[$1] } == id)
        whole.tokens.append(id)
        whole.adapters.append(plan[index][place])
      }
    }
  }

  @Test("the last token of a prompt can be given another adapter before the first step")
  func switchesPrompt() throws {
    let model = try TinyBundle().load()
    let tokens = model.tokens(6)
    let generation = try model.generation(
      of: [AssignedPrompt(tokens: tokens, adapter: nil)], options: options(4))
    try generation.switchAdapter(of: 0, to: "first")
    while try generation.step() != nil {}
    let expected = try model.generation(
      of: [AssignedPrompt(tokens: tokens, adapters: [nil, nil, nil, nil, nil, "first"])],
      options: options(4))
    while try expected.step() != nil {}
    #expect(generation.results == expected.results)
  }

  @Test("a model needs no gates for it, and takes adapters that were added without a row")
  func withoutGates() throws {
    let folder = try TinyBundle().folder()
    let routed = try MeteoRAModel(contentsOf: folder.url, parallelism: .serial)
    var files = routed.files
    files.gates = .absent
    files.adapters = Array(files.adapters.prefix(1))
    let alone = try MeteoRAModel(files: files, parallelism: .serial)
    let model = try alone.adding(routed.files.adapters[1]).adding(routed.files.adapters[2])
    let tokens = model.tokens(24)
    let prompt = AssignedPrompt(tokens: tokens, adapters: mixed(24, of: model))
    #expect(
      firstDifference(try model.logits(of: prompt), try routed.logits(of: prompt)) == nil)
    #expect(throws: MeteoRAError.notRouted(model: files.base.path)) {
      try model.logits(of: tokens, mode: .routed)
    }
  }

  @Test("it refuses adapters that are not there, disabled, or not one for each token")
  func refusals() throws {
    let model = try TinyBundle().load()
    let unknown = MeteoRAError.unknownAdapter(name: "x", known: ["first", "second", "third"])
    #expect(throws: unknown) {
      try model.generation(of: [AssignedPrompt(tokens: [1, 2], adapters: ["first", "x"])])
    }
    #expect(throws: MeteoRAError.disabledAdapter(name: "first")) {
      try model.disabling(["first"]).logits(of: AssignedPrompt(tokens: [1], adapter: "first"))
    }
    for count in [0, 1, 3] {
      let error = try #require(throws: MeteoRAError.self) {
        try model.generation(of: [
          AssignedPrompt(tokens: [1], adapter: nil),
          AssignedPrompt(tokens: [1, 2], adapters: [String?](repeating: nil, count: count)),
        ])
      }
      #expect(error == .givenAdapterCount(prompt: 1, adapters: count, tokens: 2))
      #expect(
        error.description
          == "prompt 1 has 2 tokens, and \(count) adapters are given for them; expected one for each "
          + "token")
    }
    #expect(throws: MeteoRAError.llama(.emptyPrompt(index: 0))) {
      try model.generation(of: [AssignedPrompt(tokens: [], adapter: nil)])
    }
    let generation = try model.generation(of: [AssignedPrompt(tokens: [1], adapter: nil)])
    #expect(throws: unknown) { try generation.switchAdapter(of: 0, to: "x") }
    for sequence in [-1, 1] {
      let error = try #require(throws: MeteoRAError.self) {
        try generation.switchAdapter(of: sequence, to: nil)
      }
      #expect(
        error.description
          == "generation: the sequence is \(sequence), allowed is 0..<1 (the prompts)")
    }
    let routed = try model.generation(of: [[1]])
    #expect(throws: MeteoRAError.adaptersNotGiven) { try routed.switchAdapter(of: 0, to: nil) }
  }
}
