import Foundation
import MeteoRAKernels
import MeteoRAMath

/// `lora_moe/{in}x{out}/a{adapters}r{rank}k{top-k}/{pattern}/{tokens}`: what adapters cost beside
/// the base product, with weights from memory.
struct LoRABenchmark {
  let run: BenchmarkRun

  static var caseNames: [String] {
    LoRACase.layers.flatMap { layer in LoRACase.tokenCounts.map { "\(layer.group)\($0)" } }
  }

  func measureAll() throws {
    guard run.includesAny(of: "lora_moe/") else { return }
    run.output.writeHeading(ResultRow.heading)
    for shape in LoRACase.layers {
      if !run.includesAny(of: shape.group) { continue }
      let layers = try BenchmarkRun.coldCopies(byteCount: LoRALayer.byteCount(of: shape)) {
        try LoRALayer(shape)
      }
      for tokens in LoRACase.tokenCounts where run.includes("\(shape.group)\(tokens)") {
        var shape = shape
        shape.tokens = tokens
        try measure(shape, layers)
      }
    }
  }

  private func measure(_ shape: LoRACase, _ layers: [LoRALayer]) throws {
    let values = LoRALayer.input(shape)
    let x = Activations(values)
    let base = PseudoRandom.values(shape.tokens * shape.outFeatures, seed: 6)
    let y = Activations(base)
    let logits = Activations(zeros: shape.tokens * shape.adapters)
    func add(_ layer: LoRALayer, by kernel: LoRAMoEKernel) -> Routing {
      layer.add(
        x.start, tokens: shape.tokens, logits: logits.start, to: y.start, by: kernel,
        run.parallelism)
    }
    // The loop is the definition.
    let routing = add(layers[0], by: .loop)
    guard try isRight(logits.values, x: values, shape) else {
      throw BenchmarkError.bitsDiffer(shape.name)
    }
    let expected = y.values
    let work = shape.work(distinctAdapters: Set(routing.adapters).count)
    for kernel in [.tiled] + (shape.isFirst ? [LoRAMoEKernel.loop, .bmm] : []) {
      y.set(base)
      _ = add(layers[0], by: kernel)
      if BitEquality.firstDifference(y.values, expected) != nil {
        throw BenchmarkError.bitsDiffer("\(shape.name), \(kernel.rawValue)")
      }
      var turn = 0
      try run.measure(
        shape.name,
        implementation: kernel == .tiled
          ? ResultRow.ours : "\(ResultRow.ours) \(kernel.rawValue)",
        work: work
      ) {
        _ = add(layers[turn % layers.count], by: kernel)
        turn += 1
      }
    }
  }

  /// Compares the gate logits of the first and the last token with the definition.
  private func isRight(
    _ logits: [Float], x: [Float], _ shape: LoRACase
  ) throws -> Bool {
    let (width, rows) = (shape.inFeatures, LoRALayer.gateRows(shape))
    for token in Set([0, shape.tokens - 1]) {
      let input = Array(x[token * width..<(token + 1) * width])
      for adapter in 0..<shape.adapters {
        let expected = try DotProduct.dot(
          input, Array(rows[adapter * width..<(adapter + 1) * width]))
        if !BitEquality.equal(logits[token * shape.adapters + adapter], expected) { return false }
      }
    }
    return true
  }
}
