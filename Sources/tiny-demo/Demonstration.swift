import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRAReports
import MeteoRATokenizers

/// What the demo shows, in order.
struct Demonstration {
  let folder: URL
  let style: TerminalStyle

  private static let prompt = "the capital of france is paris. 12 + 7 = 19. abc reversed is cba. "
  private static let newTokens = 48

  func run() throws {
    let model = try MeteoRAModel(contentsOf: folder)
    let tokenizer = try model.loadTokenizer()
    try describe(model)
    try generate(model, tokenizer)
    try compareKernels(model, prompt: tokenizer.encode(Self.prompt))
    try printLine(
      "Next: swift run -c release meteora generate --model Fixtures/demo --prompt 'abc' "
        + "--show-routing")
  }

  private func describe(_ model: MeteoRAModel) throws {
    let shape = model.base.configuration
    try printLine(
      style.emphasise("MeteoRA: many LoRA adapters in one Llama, chosen per token by gates"))
    try printLine(
      """

      base      Llama, \(shape.layerCount) layers, hidden \(shape.hiddenSize), \
      \(shape.attentionHeads) heads (\(shape.keyValueHeads) kv), vocabulary \(shape.vocabularySize)
      adapters  \(model.adapterNames.joined(separator: ", "))
      router    top \(model.files.router.topK), temperature \(model.files.router.temperature); \
      gates in \(model.routedModuleCount) linear modules
      weights   random, seeded: the text means nothing, the routing is real

      """)
  }

  /// Streams a generation; a token's colour is known once it was run, one step after it was
  /// chosen.
  private func generate(_ model: MeteoRAModel, _ tokenizer: Tokenizer) throws {
    try printLine(style.emphasise("Tokens by dominant adapter, prompt first"))
    let prompt = tokenizer.encode(Self.prompt)
    var options = GenerationOptions()
    options.maximumNewTokens = Self.newTokens
    options.endOfSequence = []
    let generation = try model.generation(of: [prompt], options: options, recordsRouting: true)
    var view = RoutedText(adapterNames: model.adapterNames, style: style)
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    var waiting = prompt
    var shown = 0

    func show() throws {
      let routing = generation.routing(of: 0)
      while shown < routing.count, !waiting.isEmpty {
        let text = decoder.append(waiting.removeFirst())
        try write(view.append(text, routing: routing[shown]))
        shown += 1
      }
    }
    while let tokens = try generation.step() {
      waiting += tokens.map(\.id)
      try show()
    }
    try generation.runLastTokens()
    try show()
    try printLine(view.append(decoder.finish(), routing: nil) + "\n\n" + view.legend + "\n")
  }

  /// Runs the prompt with every kernel and compares all logits bit for bit.
  private func compareKernels(_ model: MeteoRAModel, prompt: [Int]) throws {
    try printLine(style.emphasise("Three kernels, the same bits"))
    var expected: [UInt32]?
    for kernel in LoRAMoEKernel.allCases {
      let other = model.with(kernel: kernel)
      let clock = ContinuousClock()
      var logits = try other.logits(of: prompt)
      let duration = try clock.measure { logits = try other.logits(of: prompt) }
      let bits = logits.map(\.bitPattern)
      guard expected == nil || expected == bits else { throw DemoError.kernelsDiffer(kernel) }
      expected = bits
      let milliseconds = duration / .milliseconds(1)
      let name = kernel.rawValue.padding(toLength: 6, withPad: " ", startingAt: 0)
      try printLine(
        "\(name) \(String(format: "%7.1f", milliseconds)) ms   \(bits.count) logits equal")
    }
    try printLine("")
  }

  private func write(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw DemoError.output
    }
  }

  private func printLine(_ text: String) throws {
    try write(text + "\n")
  }
}
