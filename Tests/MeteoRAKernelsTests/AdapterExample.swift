import MeteoRAKernels

/// A layer with adapters, a routing, and the update that the contract's formulas give for them.
struct AdapterExample {
  let tokens: Int
  let x: [Float]
  let base: [Float]
  let routing: Routing
  let bank: LoRABank
  /// By adapter: widened A and B; `nil` for one that lacks the module.
  private let values: [(a: [Float], b: [Float])?]

  /// - Parameters:
  ///   - ranks: One for each adapter; `nil` for one that lacks the module.
  ///   - selectable: Adapters that tokens may choose; all by default.
  init(
    seed: Int, tokens: Int, inFeatures: Int, outFeatures: Int, ranks: [Int?], topK: Int,
    formats: [WeightFormat] = [.float32], selectable: [Int]? = nil
  ) throws {
    var random = SeededRandom(seed)
    var adapters: [LoRAAdapter?] = []
    var values: [(a: [Float], b: [Float])?] = []
    for (index, rank) in ranks.enumerated() {
      guard let rank else {
        adapters.append(nil)
        values.append(nil)
        continue
      }
      let format = formats[index % formats.count]
      let a = try random.matrix(rank, inFeatures, format)
      let b = try random.matrix(outFeatures, rank, format)
      let scaling = random.floats(1)[0]
      adapters.append(try LoRAAdapter(a: a.matrix, b: b.matrix, scaling: scaling))
      values.append((a.values, b.values))
    }
    var selected: [Int32] = []
    for _ in 0..<tokens {
      let shuffled = (selectable ?? Array(ranks.indices)).shuffled(using: &random)
      selected += shuffled.prefix(topK).map { Int32($0) }
    }
    self.tokens = tokens
    self.values = values
    x = random.floats(tokens * inFeatures)
    base = random.floats(tokens * outFeatures)
    bank = try LoRABank(adapters: adapters, outFeatures: outFeatures, inFeatures: inFeatures)
    routing = try Routing(
      selected: selected, weights: random.floats(tokens * topK), tokens: tokens, topK: topK,
      adapterCount: ranks.count)
  }

  /// `d = fma(w · s, dot(B, dot(A, x)), d)`, adapters ascending, from +0.
  var expectedDelta: [Float] {
    let (inFeatures, outFeatures, topK) = (bank.inFeatures, bank.outFeatures, routing.topK)
    var delta = [Float](repeating: 0, count: tokens * outFeatures)
    for token in 0..<tokens {
      for term in token * topK..<(token + 1) * topK {
        let index = Int(routing.adapters[term])
        guard let adapter = bank.adapters[index], let (a, b) = values[index] else { continue }
        let z = (0..<adapter.rank).map { dot(a, $0, x, token, inFeatures) }
        let factor = routing.weights[term] * adapter.scaling
        for output in 0..<outFeatures {
          delta[token * outFeatures + output].addProduct(
            factor, dot(b, output, z, 0, adapter.rank))
        }
      }
    }
    return delta
  }
}
