import MeteoRAKernels
import MeteoRAMath

/// A LoRA-MoE layer as the model runs it: gate, routing, adapters, addition to the base output.
struct LoRALayer {
  let shape: LoRACase
  let gate: WeightMatrix
  let bank: LoRABank

  /// Bytes of all weights.
  static func byteCount(of shape: LoRACase) -> Int {
    4 * shape.adapters
      * (shape.inFeatures + shape.rank * (shape.inFeatures + shape.outFeatures))
  }

  init(_ shape: LoRACase) throws {
    self.shape = shape
    let (k, n, rank) = (shape.inFeatures, shape.outFeatures, shape.rank)
    gate = try WeightMatrix(Self.gateRows(shape), outFeatures: shape.adapters, inFeatures: k)
    bank = try LoRABank(
      adapters: (0..<shape.adapters).map { index in
        let a = PseudoRandom.values(rank * k, seed: UInt64(index))
        let b = PseudoRandom.values(n * rank, seed: UInt64(1000 + index))
        return try LoRAAdapter(
          a: WeightMatrix(a, outFeatures: rank, inFeatures: k),
          b: WeightMatrix(b, outFeatures: n, inFeatures: rank), scaling: 2)
      }, outFeatures: n, inFeatures: k)
  }

  /// `[adapters, inFeatures]`: row j reads element j of the input, where ``input(_:)`` puts what
  /// the token prefers, and all others a little.
  static func gateRows(_ shape: LoRACase) -> [Float] {
    var rows = PseudoRandom.values(shape.adapters * shape.inFeatures, seed: 5).map { $0 * 1e-4 }
    for adapter in 0..<shape.adapters { rows[adapter * shape.inFeatures + adapter] = 1 }
    return rows
  }

  /// `[tokens, inFeatures]`.
  static func input(_ shape: LoRACase) -> [Float] {
    var x = PseudoRandom.values(shape.tokens * shape.inFeatures, seed: 3)
    for (index, preference) in shape.preferences().enumerated() {
      x[index / shape.adapters * shape.inFeatures + index % shape.adapters] = preference
    }
    return x
  }

  /// Adds the routed update of every token to `y`.
  ///
  /// - Parameters:
  ///   - x: `[tokens, inFeatures]`.
  ///   - logits: Room for `[tokens, adapters]`.
  ///   - y: `[tokens, outFeatures]`.
  /// - Returns: What the gate chose.
  func add(
    _ x: UnsafePointer<Float>, tokens: Int, logits: UnsafeMutablePointer<Float>,
    to y: UnsafeMutablePointer<Float>, by kernel: LoRAMoEKernel, _ parallelism: Parallelism
  ) -> Routing {
    multiply([LinearTerm(gate, to: logits)], by: x, rows: tokens, parallelism: parallelism)
    let routing = Routing(
      checked: UnsafeBufferPointer(start: logits, count: tokens * shape.adapters), tokens: tokens,
      adapterCount: shape.adapters, topK: shape.topK, temperature: 1, parallelism: parallelism)
    kernel.addDelta(input: x, routing: routing, bank: bank, to: y, parallelism: parallelism)
    return routing
  }
}
