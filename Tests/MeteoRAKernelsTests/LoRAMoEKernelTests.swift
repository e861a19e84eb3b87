import MeteoRAKernels
import Testing

@Suite("LoRA-MoE kernels")
struct LoRAMoEKernelTests {
  /// Checks a kernel against the formulas, margins included, for several numbers of threads.
  private func check(
    _ kernel: LoRAMoEKernel, _ example: AdapterExample, expected: [Float], _ context: String,
    threads: [Int] = [1, 5]
  ) throws {
    let sum = zip(example.base, expected).map { $0 + $1 }
    for threads in threads {
      let parallelism = try Parallelism(threads: threads)
      var y = GuardedOutput(example.base)
      var delta = GuardedOutput(count: example.base.count)
      y.write { y in
        delta.write { delta in
          kernel.addDelta(
            input: example.x, routing: example.routing, bank: example.bank, to: y, delta: delta,
            parallelism: parallelism)
        }
      }
      #expect(y.isIntact)
      #expect(delta.isIntact)
      expectSameBits(delta.output, expected, "\(context), delta, \(threads) threads")
      expectSameBits(y.output, sum, "\(context), \(threads) threads")

      var without = GuardedOutput(example.base)
      without.write {
        kernel.addDelta(
          input: example.x, routing: example.routing, bank: example.bank, to: $0,
          parallelism: parallelism)
      }
      #expect(without.isIntact)
      expectSameBits(without.output, sum, "\(context), no delta, \(threads) threads")
    }
  }

  /// Around the rows computed together, and around the 1024 tokens of a tile of the tiled kernel.
  @Test(
    "it equals the formulas at every number of tokens",
    arguments: [1, 3, 4, 5, 7, 8, 9, 63, 64, 65, 257, 1023, 1024, 1025, 2049])
  func tokens(tokens: Int) throws {
    let example = try AdapterExample(
      seed: tokens, tokens: tokens, inFeatures: 20, outFeatures: 11, ranks: [4, 2, 8, 3, 1],
      topK: 2)
    let expected = example.expectedDelta
    for kernel in LoRAMoEKernel.allCases {
      try check(kernel, example, expected: expected, "\(kernel)")
    }
  }

  /// Around the panels: 8, 16, 32 and what is left over.
  @Test(
    "it equals the formulas at every number of outputs",
    arguments: [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 47, 48, 49, 64, 65])
  func outputs(outputs: Int) throws {
    let example = try AdapterExample(
      seed: outputs, tokens: 13, inFeatures: 9, outFeatures: outputs, ranks: [3, 8, 5], topK: 2)
    let expected = example.expectedDelta
    for kernel in LoRAMoEKernel.allCases {
      try check(kernel, example, expected: expected, "\(kernel)", threads: threadCounts)
    }
  }

  /// A tile of 1024 tokens updates seven panels of 32 outputs together.
  @Test("it equals the formulas where panels are updated in parts", arguments: [224, 225, 257])
  func manyPanels(outputs: Int) throws {
    let example = try AdapterExample(
      seed: outputs, tokens: 1024, inFeatures: 3, outFeatures: outputs, ranks: [2, 1, 3], topK: 2)
    let expected = example.expectedDelta
    for kernel in [LoRAMoEKernel.loop, .tiled] {
      try check(kernel, example, expected: expected, "\(kernel)")
    }
  }

  /// Around the block of 128 on both sides of an adapter.
  @Test(
    "it equals the formulas at every rank and width",
    arguments: [1, 7, 8, 9, 31, 32, 33, 47, 127, 128, 129], [1, 127, 128, 129, 257])
  func ranks(rank: Int, inputs: Int) throws {
    let example = try AdapterExample(
      seed: rank + inputs, tokens: 6, inFeatures: inputs, outFeatures: 10, ranks: [rank, 2, rank],
      topK: 2)
    let expected = example.expectedDelta
    for kernel in LoRAMoEKernel.allCases {
      try check(kernel, example, expected: expected, "\(kernel)")
    }
  }

  @Test("it equals the formulas for every k", arguments: [1, 2, 3, 7, 27, 28])
  func topK(topK: Int) throws {
    let example = try AdapterExample(
      seed: topK, tokens: 21, inFeatures: 12, outFeatures: 19,
      ranks: (0..<28).map { $0 % 5 == 4 ? nil : 1 + $0 % 4 }, topK: topK,
      formats: WeightFormat.allCases)
    let expected = example.expectedDelta
    for kernel in LoRAMoEKernel.allCases {
      try check(kernel, example, expected: expected, "\(kernel)", threads: threadCounts)
    }
  }

  @Test("it does not look at an adapter that nobody chose", arguments: LoRAMoEKernel.allCases)
  func ignoresUnchosen(kernel: LoRAMoEKernel) throws {
    let example = try AdapterExample(
      seed: 6, tokens: 12, inFeatures: 10, outFeatures: 9, ranks: [3, 4, 2, 5], topK: 2,
      selectable: [0, 1, 3])
    let expected = example.expectedDelta
    let nan = try WeightMatrix(
      [Float](repeating: .nan, count: 20), outFeatures: 2, inFeatures: 10)
    let b = try WeightMatrix([Float](repeating: .nan, count: 18), outFeatures: 9, inFeatures: 2)
    var adapters = example.bank.adapters
    adapters[2] = try LoRAAdapter(a: nan, b: b, scaling: 2)
    let bank = try LoRABank(adapters: adapters, outFeatures: 9, inFeatures: 10)
    var y = example.base
    let delta = try kernel.addDelta(
      example.x, routing: example.routing, bank: bank, to: &y)
    expectSameBits(delta, expected)
  }

  @Test("it adds +0 where all chosen adapters lack the module", arguments: LoRAMoEKernel.allCases)
  func skipsMissing(kernel: LoRAMoEKernel) throws {
    for ranks in [[nil, nil, 3], [nil, nil, nil]] as [[Int?]] {
      let example = try AdapterExample(
        seed: 7, tokens: 5, inFeatures: 4, outFeatures: 3, ranks: ranks, topK: 2,
        selectable: [0, 1])
      var y = [Float](repeating: -0.0, count: 15)
      let delta = try kernel.addDelta(
        example.x, routing: example.routing, bank: example.bank, to: &y,
        parallelism: try Parallelism(threads: 2))
      let zeros = [Float](repeating: 0, count: 15)
      expectSameBits(delta, zeros)
      expectSameBits(y, zeros)
    }
  }

  /// The gathering kernel takes 32 MiB of copies at a time: here 32 tokens of 40.
  @Test("it equals the other kernels where the gathered copies need several rounds")
  func gathersInRounds() throws {
    let example = try AdapterExample(
      seed: 8, tokens: 40, inFeatures: 1024, outFeatures: 1024, ranks: [64, 61, 63], topK: 2)
    var results: [[Float]] = []
    for kernel in LoRAMoEKernel.allCases {
      var y = example.base
      let delta = try kernel.addDelta(
        example.x, routing: example.routing, bank: example.bank, to: &y,
        parallelism: try Parallelism(threads: 2))
      #expect(delta.contains { $0 != 0 })
      results.append(y)
    }
    for result in results { expectSameBits(result, results[0]) }
  }

  /// A copy of B with one output is padded to eight: ten elements a rank and token. The second
  /// round needs more memory than the first, and more than the budget.
  @Test("it equals the definition where one token's copies exceed the budget of a round")
  func gathersLargeToken() throws {
    let adapters = try [(rank: 16, value: Float(3)), (850_000, 0.25)].map { rank, value in
      let values = [Float](repeating: value, count: rank)
      return try LoRAAdapter(
        a: WeightMatrix(values, outFeatures: rank, inFeatures: 1),
        b: WeightMatrix(values, outFeatures: 1, inFeatures: rank), scaling: 2)
    }
    let bank = try LoRABank(adapters: adapters, outFeatures: 1, inFeatures: 1)
    let routing = try Routing(
      selected: [0, 1, 1, 0], weights: [1, 2, 3, 4], tokens: 4, topK: 1, adapterCount: 2)
    let deltas = try [LoRAMoEKernel.loop, .bmm].map { kernel in
      var y: [Float] = [0, 0, 0, 0]
      return try kernel.addDelta(
        [1, 2, 3, 4], routing: routing, bank: bank, to: &y,
        parallelism: try Parallelism(threads: 2))
    }
    // Small integers and powers of two: exact.
    expectSameBits(deltas[0], [288, 425_000, 956_250, 4608])
    expectSameBits(deltas[1], deltas[0])
  }

  /// A buffer of the largest adapter for every choice would take 256 times the memory of all
  /// adapters here.
  @Test("it takes one adapter of a large rank among many small", arguments: LoRAMoEKernel.allCases)
  func takesUnevenRanks(kernel: LoRAMoEKernel) throws {
    let example = try AdapterExample(
      seed: 12, tokens: 3, inFeatures: 2, outFeatures: 3,
      ranks: (0..<256).map { $0 == 77 ? 40_000 : 1 }, topK: 256)
    var y = example.base
    let delta = try kernel.addDelta(
      example.x, routing: example.routing, bank: example.bank, to: &y,
      parallelism: try Parallelism(threads: 2))
    expectSameBits(delta, example.expectedDelta)
  }

  /// z of a token has 300,000 elements here: the tiled kernel takes 55 tokens at a time.
  @Test("it equals the definition where large ranks make tiles of few tokens", arguments: [1, 3])
  func takesLargeRanks(threads: Int) throws {
    let example = try AdapterExample(
      seed: 13, tokens: 60, inFeatures: 1, outFeatures: 1, ranks: [150_000, 150_000, 3], topK: 2)
    let deltas = try [LoRAMoEKernel.loop, .tiled].map { kernel in
      var y = example.base
      return try kernel.addDelta(
        example.x, routing: example.routing, bank: example.bank, to: &y,
        parallelism: try Parallelism(threads: threads))
    }
    expectSameBits(deltas[1], deltas[0])
  }

  @Test("it gives nothing for a layer without outputs", arguments: LoRAMoEKernel.allCases)
  func takesNoOutputs(kernel: LoRAMoEKernel) throws {
    let example = try AdapterExample(
      seed: 14, tokens: 3, inFeatures: 2, outFeatures: 0, ranks: [2, 1], topK: 1)
    var y: [Float] = []
    #expect(
      try kernel.addDelta(example.x, routing: example.routing, bank: example.bank, to: &y).isEmpty)
  }

  @Test("it gives nothing for no tokens", arguments: LoRAMoEKernel.allCases)
  func takesNoTokens(kernel: LoRAMoEKernel) throws {
    let example = try AdapterExample(
      seed: 9, tokens: 0, inFeatures: 4, outFeatures: 3, ranks: [2], topK: 1)
    var y: [Float] = []
    let delta = try kernel.addDelta(
      [], routing: example.routing, bank: example.bank, to: &y)
    #expect(delta.isEmpty)
  }

  @Test("it takes a layer without inputs", arguments: LoRAMoEKernel.allCases)
  func takesNoInputs(kernel: LoRAMoEKernel) throws {
    let example = try AdapterExample(
      seed: 10, tokens: 3, inFeatures: 0, outFeatures: 2, ranks: [2, 1], topK: 1)
    var y = example.base
    let delta = try kernel.addDelta(
      [], routing: example.routing, bank: example.bank, to: &y)
    expectSameBits(delta, [Float](repeating: 0, count: 6))
    expectSameBits(y, example.base)
  }

  // MARK: Arguments

  private func refusal(
    of kernel: LoRAMoEKernel, tokens: Int = 2, xCount: Int = 8, yCount: Int = 6,
    routed adapterCount: Int = 2
  ) throws -> KernelError? {
    let example = try AdapterExample(
      seed: 11, tokens: tokens, inFeatures: 4, outFeatures: 3, ranks: [2, 1], topK: 1)
    let routing = try Routing(
      selected: [0, 0], weights: [1, 1], tokens: 2, topK: 1, adapterCount: adapterCount)
    let before = [Float](repeating: 1, count: yCount)
    var y = before
    do throws(KernelError) {
      try kernel.addDelta(
        [Float](repeating: 1, count: xCount), routing: routing, bank: example.bank, to: &y)
      return nil
    } catch {
      expectSameBits(y, before, "unchanged")
      return error
    }
  }

  @Test("it refuses an input of another size", arguments: LoRAMoEKernel.allCases)
  func refusesInput(kernel: LoRAMoEKernel) throws {
    #expect(
      try refusal(of: kernel, xCount: 7) == .elementCount(argument: "x", expected: 8, actual: 7))
  }

  @Test("it refuses an output of another size", arguments: LoRAMoEKernel.allCases)
  func refusesOutput(kernel: LoRAMoEKernel) throws {
    #expect(
      try refusal(of: kernel, yCount: 7) == .elementCount(argument: "y", expected: 6, actual: 7))
  }

  @Test("it refuses a routing among other adapters", arguments: LoRAMoEKernel.allCases)
  func refusesRouting(kernel: LoRAMoEKernel) throws {
    #expect(
      try refusal(of: kernel, routed: 3)
        == .dimensionMismatch(
          argument: "adapter count of the routing", expected: 2, actual: 3))
  }
}
