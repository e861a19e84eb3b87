import Testing

@testable import MeteoRAKernels

@Suite("Updates that are added with the base product")
struct RoutedUpdateTests {
  /// The updates of layers of one input, in order.
  private static func updates(
    _ routing: Routing, _ banks: [LoRABank?], of input: ProductInput, _ parallelism: Parallelism
  ) -> [RoutedUpdate?]? {
    let updates = input.updates(banks.map { bank in bank.map { (routing, $0) } })
    guard let updates else { return nil }
    RoutedUpdate.projectDown(updates.compactMap(\.self), x: input.x, parallelism: parallelism)
    return updates
  }

  /// Layers of one input, with adapters of all formats.
  private struct Example {
    let tokens: Int
    let x: [Float]
    let routing: Routing
    /// `nil` for a layer without adapters.
    var banks: [LoRABank?]
    let weights: [WeightMatrix]
    let biases: [[Float]]

    /// - Parameters:
    ///   - outputs: Of each layer.
    ///   - format: Of the frozen weights.
    init(
      tokens: Int, inputs: Int, outputs: [Int], format: WeightFormat, ranks: [Int?],
      selectable: [Int]? = nil
    ) throws {
      // The input and the routing of the first hold for all.
      let examples = try outputs.map { outputs in
        try AdapterExample(
          seed: tokens + outputs, tokens: tokens, inFeatures: inputs, outFeatures: outputs,
          ranks: ranks, topK: 2, formats: WeightFormat.allCases, selectable: selectable)
      }
      var random = SeededRandom(tokens)
      self.tokens = tokens
      x = examples[0].x
      routing = examples[0].routing
      banks = examples.map(\.bank)
      weights = try outputs.map { try random.matrix($0, inputs, format).matrix }
      biases = outputs.map { random.floats($0) }
    }

    /// The outputs of the layers one behind the other: the base product first, then the update.
    func outputsInSteps(withBias: Bool) throws -> [Float] {
      try banks.indices.flatMap { index in
        var y = try linear(
          x, rows: tokens, weights: weights[index], bias: withBias ? biases[index] : nil)
        if let bank = banks[index] {
          try LoRAMoEKernel.loop.addDelta(x, routing: routing, bank: bank, to: &y)
        }
        return y
      }
    }

    /// The same, computed together.
    func outputsAtOnce(withBias: Bool, threads: Int) throws -> [Float] {
      let parallelism = try Parallelism(threads: threads)
      var outputs = GuardedOutput(count: tokens * weights.reduce(0) { $0 + $1.outFeatures })
      try x.withUnsafeBufferPointer { x in
        let input = ProductInput(
          try #require(x.baseAddress), rows: tokens, for: weights, parallelism: parallelism)
        let updates = try #require(
          RoutedUpdateTests.updates(routing, banks, of: input, parallelism))
        outputs.write { target in
          var target = target
          let terms = weights.indices.map { index in
            defer { target += tokens * weights[index].outFeatures }
            return LinearTerm(
              weights[index], bias: withBias ? biases[index] : nil, update: updates[index],
              to: target)
          }
          multiply(terms, by: input, parallelism: parallelism)
        }
      }
      #expect(outputs.isIntact)
      return outputs.output
    }

    func check(threads: [Int] = [1, 2, 3]) throws {
      for withBias in [false, true] {
        let expected = try outputsInSteps(withBias: withBias)
        for threads in threads {
          let actual = try outputsAtOnce(withBias: withBias, threads: threads)
          expectSameBits(actual, expected, "bias: \(withBias), \(threads) threads")
        }
      }
    }
  }

  /// Two adapters leave the layer alone; each format has a large rank and a small one.
  private static let ranks: [Int?] = [1, 8, 20, nil, 130, 130, 130, 20, 1, nil, 8]

  @Test(
    "it is the base product, then the update",
    // Around the rows that are read where they are, and those that take turns.
    arguments: [1, 8, 9, 16, 17, 64], WeightFormat.allCases)
  func equalsSteps(tokens: Int, format: WeightFormat) throws {
    try Example(
      tokens: tokens, inputs: 260, outputs: [600], format: format, ranks: Self.ranks
    ).check()
  }

  @Test(
    "it is the base product, then the update, where there are two tiles of tokens",
    // Panels of the larger one are updated in parts by one thread.
    arguments: [600, 1000])
  func equalsStepsOfTiles(outputs: Int) throws {
    try Example(
      tokens: 600, inputs: 260, outputs: [outputs], format: .bfloat16, ranks: Self.ranks
    ).check()
  }

  @Test("it is of one tile where panels are few", arguments: [1, 9, 600], [7, 64])
  func equalsStepsOfFewPanels(tokens: Int, outputs: Int) throws {
    try Example(
      tokens: tokens, inputs: 130, outputs: [outputs], format: .float16, ranks: Self.ranks
    ).check()
  }

  @Test("layers of one input have each its own or none", arguments: [1, 9, 600], [1, 2, 3, 7])
  func sharesInput(tokens: Int, threads: Int) throws {
    var example = try Example(
      tokens: tokens, inputs: 20, outputs: [100, 9, 40, 33], format: .float32,
      ranks: [3, 8, nil, 5])
    example.banks[2] = nil
    try example.check(threads: [threads])
  }

  @Test("it is nothing for tokens whose adapters leave the layer alone", arguments: [0, 1, 9, 600])
  func isNothing(tokens: Int) throws {
    let example = try Example(
      tokens: tokens, inputs: 20, outputs: [72], format: .float32, ranks: [nil, 4, nil],
      selectable: [0, 2])
    let products = try linear(example.x, rows: tokens, weights: example.weights[0])
    expectSameBits(try example.outputsAtOnce(withBias: false, threads: 2), products)
  }

  @Test("it is not there if z of all tokens and layers were too much memory")
  func isBounded() throws {
    // 0.1 MiB of weights, but z of a token and layer has 2 · 6000 elements: 16 Mi are held.
    let example = try Example(
      tokens: 700, inputs: 1, outputs: [1, 1], format: .float32, ranks: [6000, 6000])
    let x = AlignedMemory(byteCount: 700 * MemoryLayout<Float>.size)
    for (banks, tokens, isThere) in [
      (example.banks, 695, true), (example.banks, 696, false),
      ([example.banks[0], nil], 700, true),
    ] {
      let input = ProductInput(x.floats, rows: tokens, for: example.weights, parallelism: .serial)
      let updates = input.updates(banks.map { bank in bank.map { (example.routing, $0) } })
      #expect((updates != nil) == isThere, "\(tokens) tokens")
    }
  }
}
