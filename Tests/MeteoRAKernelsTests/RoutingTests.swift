import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("Routing")
struct RoutingTests {
  @Test("it weighs the selected logits alone", arguments: [1, 2, 5, 28], [Float(1), 15, 0.3])
  func weighsSelected(topK: Int, temperature: Float) throws {
    var random = SeededRandom(topK)
    let logits = random.floats(20 * 28)
    let routing = try Routing(
      logits: logits, tokens: 20, adapterCount: 28, topK: topK, temperature: temperature)
    for token in 0..<20 {
      let row = Array(logits[token * 28..<(token + 1) * 28])
      let chosen = TopKTests.sorted(row).prefix(topK).map { Int($0) }
      #expect(routing.selected(token: token).map(\.adapter) == chosen)
      // Numerators and sum in ascending adapter index.
      let scaled = chosen.sorted().map { row[$0] / temperature }
      let largest = scaled.max() ?? 0
      let numerators = scaled.map { CorrectlyRounded.exp($0 - largest) }
      let sum = numerators.reduce(0, +)
      let weights = topK == 1 ? [1] : numerators.map { $0 / sum }
      let first = token * topK
      #expect(Array(routing.adapters[first..<first + topK]) == chosen.sorted().map { Int32($0) })
      expectSameBits(Array(routing.weights[first..<first + topK]), weights)
    }
  }

  @Test("it keeps a choice that was made elsewhere aligned")
  func alignsGivenChoice() throws {
    let routing = try Routing(
      selected: [3, 0, 2, 1, 2, 3], weights: [0.5, 0.25, 0.125, 1, 2, 3], tokens: 2, topK: 3,
      adapterCount: 4)
    #expect(routing.adapters == [0, 2, 3, 1, 2, 3])
    #expect(routing.weights == [0.25, 0.125, 0.5, 1, 2, 3])
    let first = routing.selected(token: 0)
    #expect(first.map(\.adapter) == [3, 0, 2])
    #expect(first.map(\.weight) == [0.5, 0.25, 0.125])
  }

  @Test("it has no adapters for a token that is not there", arguments: [-1, 2, .max, .min])
  func answersUnknownToken(token: Int) throws {
    let routing = try Routing(
      selected: [3, 0, 1, 2], weights: [1, 2, 3, 4], tokens: 2, topK: 2, adapterCount: 4)
    #expect(routing.selected(token: token).isEmpty)
    #expect(routing.selected(token: 1).map(\.adapter) == [1, 2])
  }

  @Test("it weighs NaN and infinity as softmax does, and one adapter with 1")
  func weighsInfinity() throws {
    let infinity = Float.infinity
    func weights(_ logits: [Float], topK: Int) throws -> [Float] {
      try Routing(logits: logits, tokens: 1, adapterCount: 3, topK: topK, temperature: 1).weights
    }
    expectSameBits(try weights([1, .nan, 2], topK: 2), [.nan, .nan])
    expectSameBits(try weights([1, 2, infinity], topK: 2), [.nan, .nan])
    expectSameBits(try weights([-infinity, -infinity, -infinity], topK: 2), [.nan, .nan])
    expectSameBits(try weights([1, -infinity, -infinity], topK: 2), [1, 0])
    expectSameBits(try weights([1, .nan, 2], topK: 1), [1])
  }

  @Test("it refuses a number of tokens", arguments: [-1, .max, 1 << 31 + 1])
  func refusesTokens(tokens: Int) {
    #expect(
      throws: KernelError.invalidDimension(
        argument: "gate logits", shape: [tokens, 2], maximum: 1 << 31)
    ) {
      try Routing(logits: [], tokens: tokens, adapterCount: 2, topK: 1, temperature: 1)
    }
    #expect(
      throws: KernelError.invalidDimension(
        argument: "selected", shape: [tokens, 1], maximum: 1 << 31)
    ) {
      try Routing(selected: [], weights: [], tokens: tokens, topK: 1, adapterCount: 2)
    }
  }

  @Test("it refuses tokens that choose among no adapters")
  func refusesNoAdapters() {
    #expect(
      throws: KernelError.outOfRange(
        argument: "adapter count", actual: "0", allowed: "1...2147483647")
    ) {
      try Routing(logits: [], tokens: 1 << 31, adapterCount: 0, topK: 1, temperature: 1)
    }
  }

  @Test("it refuses a temperature", arguments: [0, -1, .infinity, .nan, -.infinity] as [Float])
  func refusesTemperature(temperature: Float) {
    #expect(
      throws: KernelError.outOfRange(
        argument: "router temperature", actual: "\(temperature)", allowed: "finite, above 0")
    ) {
      try Routing(logits: [1, 2], tokens: 1, adapterCount: 2, topK: 1, temperature: temperature)
    }
  }

  @Test("it refuses gate logits of another size")
  func refusesSize() {
    #expect(throws: KernelError.elementCount(argument: "gate logits", expected: 4, actual: 3)) {
      try Routing(logits: [1, 2, 3], tokens: 2, adapterCount: 2, topK: 1, temperature: 1)
    }
  }

  @Test("it refuses an adapter that does not exist", arguments: [-1, 2] as [Int32])
  func refusesUnknownAdapter(adapter: Int32) {
    #expect(
      throws: KernelError.invalidSelection(token: 1, adapter: Int(adapter), adapterCount: 2)
    ) {
      try Routing(
        selected: [1, adapter], weights: [1, 1], tokens: 2, topK: 1, adapterCount: 2)
    }
  }

  @Test("it refuses an adapter that a token takes twice")
  func refusesRepetition() {
    #expect(throws: KernelError.invalidSelection(token: 0, adapter: 1, adapterCount: 3)) {
      try Routing(
        selected: [1, 0, 1], weights: [1, 1, 1], tokens: 1, topK: 3, adapterCount: 3)
    }
  }

  @Test("it refuses weights of another size")
  func refusesWeights() {
    #expect(throws: KernelError.elementCount(argument: "weights", expected: 2, actual: 1)) {
      try Routing(selected: [0, 1], weights: [1], tokens: 2, topK: 1, adapterCount: 2)
    }
  }

  @Test("it refuses selections of another size")
  func refusesSelected() {
    #expect(throws: KernelError.elementCount(argument: "selected", expected: 2, actual: 1)) {
      try Routing(selected: [0], weights: [1, 1], tokens: 2, topK: 1, adapterCount: 2)
    }
  }

  @Test("it refuses k above the number of adapters")
  func refusesK() {
    #expect(
      throws: KernelError.outOfRange(
        argument: "router top-k", actual: "3", allowed: "1...2 (the adapters)")
    ) {
      try Routing(logits: [1, 2], tokens: 1, adapterCount: 2, topK: 3, temperature: 1)
    }
  }
}
