import MeteoRAKernels
import MeteoRALlama

// A layer in both directions:
//
//   x1 = rmsNorm(h)      q, k, v = W · x1, rotated      h' = h + W_o · attention(q, k, v)
//   x2 = rmsNorm(h')     g, u = W · x2                  h″ = h' + W_down · (silu(g) · u)
//
//   dh' = dh″ + rmsNorm′(dg · W + du · W)               dg, du from dh″ · W_down
//   dh  = dh' + rmsNorm′((dq · W + dk · W) + dv · W)    dq, dk, dv from dh' · W_o

extension TrainingPass {
  /// Computes a layer of `memory.hidden` in place.
  ///
  /// - Returns: The gate losses, by module and labelled row.
  func computeLayer(
    _ layer: Int, _ activations: LayerActivations, counts: inout RoutingCounts
  ) -> [Float] {
    let configuration = model.configuration
    let weights = model.llama.layers[layer]
    var losses: [Float] = []
    func evaluate(
      _ group: LinearGroup, _ input: ActivationBuffer, _ outputs: [ActivationBuffer]
    ) {
      losses += computeGroup(
        group, layer: layer, activations, input: input.start, outputs: outputs.map(\.start),
        counts: &counts)
    }
    func add(to target: ActivationBuffer) {
      addRows(
        memory.branch.start, to: target.start, rows: rows, width: configuration.hiddenSize,
        parallelism: parallelism)
    }

    copyHidden(to: activations.input)
    normalise(activations.input, weights.inputNorm, to: activations.attentionInput)
    evaluate(
      .attentionInput, activations.attentionInput,
      [activations.queries, activations.keys, activations.values])
    for (buffer, heads) in rotatedHeads(activations.queries, activations.keys) {
      rotate(
        buffer.start, rows: rows, heads: heads, dimension: configuration.headDimension,
        cos: tables.cos, sin: tables.sin, parallelism: parallelism)
    }
    attend(activations)
    evaluate(.attentionOutput, activations.attended, [memory.branch])
    add(to: memory.hidden)

    copyHidden(to: activations.middle)
    normalise(activations.middle, weights.postAttentionNorm, to: activations.mlpInput)
    evaluate(.mlpInput, activations.mlpInput, [activations.gate, activations.up])
    siluMultiply(
      gate: activations.gate.start, up: activations.up.start,
      count: rows * configuration.intermediateSize, to: activations.activated.start,
      parallelism: parallelism)
    evaluate(.mlpOutput, activations.activated, [memory.branch])
    add(to: memory.hidden)
    return losses
  }

  /// Keeps the residual stream.
  func copyHidden(to buffer: ActivationBuffer) {
    parallelism.forEachRange(of: hiddenCount) { range in
      (buffer.start + range.lowerBound).update(
        from: memory.hidden.start + range.lowerBound, count: range.count)
    }
  }

  func normalise(_ input: ActivationBuffer, _ weight: [Float], to output: ActivationBuffer) {
    rmsNorm(
      input.start, rows: rows, weight: weight, epsilon: model.configuration.normEpsilon,
      to: output.start, parallelism: parallelism)
  }

  private func rotatedHeads(
    _ queries: ActivationBuffer, _ keys: ActivationBuffer
  ) -> [(ActivationBuffer, Int)] {
    [(queries, model.configuration.attentionHeads), (keys, model.configuration.keyValueHeads)]
  }

  private func attend(_ activations: LayerActivations) {
    let configuration = model.configuration
    let sequences = ranges.map { range in
      AttentionSequence(
        cache: AttentionCache(
          keyValueHeads: configuration.keyValueHeads, dimension: configuration.headDimension,
          expecting: range.count), rows: range)
    }
    parallelism.forEachRange(weighing: ranges.map { Double($0.count) }) { range in
      for sequence in sequences[range] {
        sequence.cache.append(
          keys: activations.keys.row(sequence.rows.lowerBound),
          values: activations.values.row(sequence.rows.lowerBound), rows: sequence.rows.count)
      }
    }
    MeteoRAKernels.attend(
      activations.queries.start, heads: configuration.attentionHeads, sequences: sequences,
      to: activations.attended.start, parallelism: parallelism)
  }

  /// Takes `memory.gradient` from behind the layer to before it, and adds the layer's gradients.
  ///
  /// - Parameter reachesInput: Whether anything before the layer's first products is trained; if
  ///   not, the gradient ends there.
  func differentiateLayer(
    _ layer: Int, _ activations: LayerActivations, reachesInput: Bool
  ) {
    let configuration = model.configuration
    let weights = model.llama.layers[layer]
    let trained = model.trained.base

    differentiateGroup(
      .mlpOutput, layer: layer, activations, gradients: [memory.gradient.start],
      to: memory.wideGradient)
    siluMultiplyGradient(
      gate: activations.gate.start, up: activations.up.start,
      outputGradient: memory.wideGradient.start, count: rows * configuration.intermediateSize,
      gateGradient: activations.gate.start, upGradient: activations.up.start,
      parallelism: parallelism)
    differentiateGroup(
      .mlpInput, layer: layer, activations,
      gradients: [activations.gate.start, activations.up.start], to: memory.branchGradient)
    differentiateNorm(
      activations.middle, weights.postAttentionNorm, trained?.postAttentionNorms[layer])

    differentiateGroup(
      .attentionOutput, layer: layer, activations, gradients: [memory.gradient.start],
      to: memory.branchGradient)
    attendGradient(
      AttentionGradientInput(
        queries: activations.queries.start, keys: activations.keys.start,
        values: activations.values.start, outputGradient: memory.branchGradient.start,
        heads: configuration.attentionHeads, keyValueHeads: configuration.keyValueHeads,
        dimension: configuration.headDimension),
      sequences: ranges,
      to: AttentionGradientOutput(
        queries: memory.queryGradient.start, keys: memory.keyGradient.start,
        values: memory.valueGradient.start),
      parallelism: parallelism)
    for (buffer, heads) in rotatedHeads(memory.queryGradient, memory.keyGradient) {
      rotateBack(
        buffer.start, rows: rows, heads: heads, dimension: configuration.headDimension,
        cos: tables.cos, sin: tables.sin, parallelism: parallelism)
    }
    differentiateGroup(
      .attentionInput, layer: layer, activations,
      gradients: [
        memory.queryGradient.start, memory.keyGradient.start, memory.valueGradient.start,
      ], to: reachesInput ? memory.branchGradient : nil)
    if reachesInput {
      differentiateNorm(activations.input, weights.inputNorm, trained?.inputNorms[layer])
    }
  }

  /// Adds the gradient through a norm, of `memory.branchGradient`, to that of the residual stream.
  private func differentiateNorm(
    _ input: ActivationBuffer, _ weight: [Float], _ trained: TrainedTensor?
  ) {
    let width = model.configuration.hiddenSize
    rmsNormGradient(
      input.start, rows: rows, weight: weight, epsilon: model.configuration.normEpsilon,
      outputGradient: memory.branchGradient.start, to: memory.branch.start,
      normalised: trained == nil ? nil : memory.normalised.start, parallelism: parallelism)
    if let trained {
      addElementwiseGradient(
        memory.branchGradient.start, memory.normalised.start, rows: rows, width: width,
        to: trained.gradient, parallelism: parallelism)
    }
    addRows(
      memory.branch.start, to: memory.gradient.start, rows: rows, width: width,
      parallelism: parallelism)
  }
}
