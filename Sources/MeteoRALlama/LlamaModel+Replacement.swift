import MeteoRAKernels

extension LlamaModel {
  /// The same model with other weights in some linear modules; everything else is shared.
  ///
  /// - Parameter weights: By layer and ``LinearModule/index``, of the shape of what they replace;
  ///   `nil` keeps what is there. Biases stay.
  package func replacingWeights(_ weights: [[WeightMatrix?]]) -> LlamaModel {
    let layers = zip(layers, weights).map { layer, replacements in
      LlamaLayer(
        inputNorm: layer.inputNorm, postAttentionNorm: layer.postAttentionNorm,
        linears: LinearModule.allCases.map { module in
          LlamaLinear(
            weights: replacements[module.index] ?? layer[module].weights, bias: layer[module].bias)
        })
    }
    return LlamaModel(
      configuration: configuration, specialTokens: specialTokens, layers: layers,
      embedding: embedding, finalNorm: finalNorm, head: head, rotary: rotary)
  }
}
