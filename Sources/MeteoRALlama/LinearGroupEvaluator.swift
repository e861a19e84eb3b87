import MeteoRAKernels

/// What computes the linear modules of a layer.
package protocol LinearGroupEvaluator: Sendable {
  /// Computes all modules of a group.
  ///
  /// - Parameters:
  ///   - layer: Index of the decoder layer.
  ///   - input: `[rows.count, inFeatures]`, shared by the modules of the group.
  ///   - rows: Where each row comes from.
  ///   - outputs: One `[rows.count, outFeatures]` for each module of the group, in order.
  func evaluate(
    _ group: LinearGroup, layer: Int, of model: LlamaModel, input: UnsafePointer<Float>,
    rows: [RowOrigin], outputs: [UnsafeMutablePointer<Float>], observer: (any ForwardObserver)?,
    parallelism: Parallelism)
}

/// The plain model: `y = W · x (+ bias)`.
package struct PlainEvaluator: LinearGroupEvaluator {
  package init() {}

  package func evaluate(
    _ group: LinearGroup, layer: Int, of model: LlamaModel, input: UnsafePointer<Float>,
    rows: [RowOrigin], outputs: [UnsafeMutablePointer<Float>], observer: (any ForwardObserver)?,
    parallelism: Parallelism
  ) {
    let terms = zip(group.modules, outputs).map { module, output in
      let linear = model.layers[layer][module]
      return LinearTerm(linear.weights, bias: linear.bias, to: output)
    }
    multiply(terms, by: input, rows: rows.count, parallelism: parallelism)
    guard let observer else { return }
    for (module, output) in zip(group.modules, outputs) {
      let linear = model.layers[layer][module].weights
      observer.observe(.module(layer, module, .input), input, width: linear.inFeatures)
      observer.observe(.module(layer, module, .base), output, width: linear.outFeatures)
      observer.observe(.module(layer, module, .output), output, width: linear.outFeatures)
    }
  }
}
