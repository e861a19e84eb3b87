/// The ways to compute the routed low-rank update. All give the same bits.
public enum LoRAMoEKernel: String, Sendable, CaseIterable {
  /// Adapter by adapter over the tokens that chose it, in plain loops: the definition.
  case loop
  /// The published bmm-v1: A and B gathered for every token and choice, two batched products.
  case bmm
  /// Tokens grouped by adapter, in tiles of tokens × outputs: nothing gathered.
  case tiled
}

/// The arguments of a LoRA-MoE kernel, checked.
struct LoRAMoECall {
  /// `[tokens, inFeatures]`.
  var x: UnsafePointer<Float>
  var routing: Routing
  var bank: LoRABank
  /// `[tokens, outFeatures]`: the base output, then the sum.
  var y: UnsafeMutablePointer<Float>
  /// `[tokens, outFeatures]`: the update alone, for those who trace it.
  var delta: UnsafeMutablePointer<Float>?
  var parallelism: Parallelism

  /// Ends the chain of one token: writes the update if it is asked for, and adds it to the base
  /// output once.
  @inline(__always)
  func finish(token: Int, update: UnsafePointer<Float>) {
    let row = token * bank.outFeatures
    if let delta { (delta + row).update(from: update, count: bank.outFeatures) }
    addElements(update, to: y + row, count: bank.outFeatures)
  }
}

extension LoRAMoEKernel {
  /// Adds the routed update to `y`; see the public form.
  package func addDelta(
    input x: UnsafePointer<Float>, routing: Routing, bank: LoRABank,
    to y: UnsafeMutablePointer<Float>, delta: UnsafeMutablePointer<Float>? = nil,
    parallelism: Parallelism
  ) {
    let call = LoRAMoECall(
      x: x, routing: routing, bank: bank, y: y, delta: delta, parallelism: parallelism)
    switch self {
    case .loop: addDeltaByLoop(call)
    case .bmm: addDeltaByBatches(call)
    case .tiled: addDeltaByTiles(call)
    }
  }

  /// Adds the routed low-rank update of every token to the output of the frozen layer.
  ///
  ///     z = A[e] · x[t]     c = w[t,e] · s[e]     d = fma(c, B[e] · z, d), e ascending, from +0
  ///     y[t] += d
  ///
  /// - Parameters:
  ///   - x: Layer input, `[tokens, inFeatures]`, row-major.
  ///   - routing: Adapters and weights of every token.
  ///   - bank: As many adapters as `routing` knows.
  ///   - y: Base output, `[tokens, outFeatures]`; holds the sum on return, unchanged on throw.
  /// - Returns: The update alone, `[tokens, outFeatures]`.
  /// - Throws: ``KernelError`` if a size does not fit.
  /// - Complexity: O(tokens · topK · rank · (inFeatures + outFeatures)).
  /// - SeeAlso: arXiv:2405.13053, the forward pass of the MeteoRA module; layouts as PEFT has them.
  @discardableResult
  public func addDelta(
    _ x: [Float], routing: Routing, bank: LoRABank, to y: inout [Float],
    parallelism: Parallelism = .serial
  ) throws(KernelError) -> [Float] {
    guard routing.adapterCount == bank.adapters.count else {
      throw .dimensionMismatch(
        argument: "adapter count of the routing", expected: bank.adapters.count,
        actual: routing.adapterCount)
    }
    try requireElements(x.count, shape: [routing.tokens, bank.inFeatures], of: "x")
    try requireElements(y.count, shape: [routing.tokens, bank.outFeatures], of: "y")
    var delta = [Float](repeating: 0, count: y.count)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        delta.withUnsafeMutableBufferPointer { delta in
          guard let output = y.baseAddress, !y.isEmpty else { return }
          // A layer without inputs has no element to point at; its chains are empty.
          let input = x.baseAddress ?? UnsafePointer(output)
          addDelta(
            input: input, routing: routing, bank: bank, to: output, delta: delta.baseAddress,
            parallelism: parallelism)
        }
      }
    }
    return delta
  }
}
