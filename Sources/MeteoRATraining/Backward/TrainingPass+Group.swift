import MeteoRAKernels
import MeteoRALlama

// The linear modules that share an input, in both directions: the MeteoRA layer of
// RoutedEvaluator.swift, and what it passes back. See InputGradient.swift, RoutedGradient.swift.

extension TrainingPass {
  /// Computes the outputs of a group.
  ///
  /// - Returns: The gate losses, by module and labelled row.
  func computeGroup(
    _ group: LinearGroup, layer: Int, _ activations: LayerActivations,
    input: UnsafePointer<Float>, outputs: [UnsafeMutablePointer<Float>],
    counts: inout RoutingCounts
  ) -> [Float] {
    let linears = group.modules.map { model.llama.layers[layer][$0] }
    let routed = group.modules.map { model.modules[layer][$0.index] }
    let x = ProductInput(
      input, rows: rows, for: routed.compactMap { $0?.gate } + linears.map(\.weights),
      parallelism: parallelism)
    let logits = routed.map { module in
      module?.gate.map { gate in
        AlignedMemory(byteCount: rows * gate.outFeatures * MemoryLayout<Float>.size)
      }
    }
    let gates = zip(routed, logits).compactMap { module, logits in
      if let gate = module?.gate, let logits { LinearTerm(gate, to: logits.floats) } else { nil }
    }
    multiply(gates, by: x, parallelism: parallelism)

    var losses: [Float] = []
    for (place, module) in group.modules.enumerated() {
      activations.modules[module.index] = routed[place].map { routed in
        let logits = logits[place]
        let routing = routing(by: logits)
        if let logits { losses += gateLoss(logits.floats, layer, module, &counts) }
        return ModuleActivations(
          routing: routing,
          terms: RoutedUpdate(
            routing, bank: routed.bank, rowsOfTile: x.rowsOfTile,
            inputDropout: masks(of: module, layer)),
          rowsOfTile: x.rowsOfTile, gateGradients: logits)
      }
    }
    let terms = group.modules.map { activations.modules[$0.index]?.terms }
    RoutedUpdate.projectDown(terms.compactMap(\.self), x: x.x, parallelism: parallelism)
    let products = linears.indices.map { place in
      LinearTerm(
        linears[place].weights, bias: linears[place].bias, update: terms[place],
        to: outputs[place])
    }
    multiply(products, by: x, parallelism: parallelism)
    return losses
  }

  private func masks(of module: LinearModule, _ layer: Int) -> LoRADropout? {
    dropout?.masks(of: module, layer: layer, firstRow: firstRow)
  }

  private func routing(by logits: AlignedMemory?) -> Routing {
    guard let logits else { return Routing(onlyAdapterFor: rows) }
    return Routing(
      checked: UnsafeBufferPointer(start: logits.floats, count: rows * model.adapterCount),
      tokens: rows, adapterCount: model.adapterCount, topK: model.topK,
      temperature: model.temperature, parallelism: parallelism)
  }

  /// Adds what a group's modules are trained by, and passes their gradients on.
  ///
  /// - Parameters:
  ///   - gradients: Of the outputs, in the order of the modules.
  ///   - target: Gets the gradient of the input; `nil` if nobody asks for it.
  func differentiateGroup(
    _ group: LinearGroup, layer: Int, _ activations: LayerActivations,
    gradients: [UnsafeMutablePointer<Float>], to target: ActivationBuffer?
  ) {
    var terms: [InputGradientTerm] = []
    var tile = ProductInput.mostRowsOfTile
    for (module, gradient) in zip(group.modules, gradients) {
      let weights = model.llama.layers[layer][module].weights
      let trained = model.trained.modules[layer][module.index]
      let input = activations.input(of: module)
      addBaseGradients(trained, weights, input: input, outputGradient: gradient)
      guard let routed = model.modules[layer][module.index],
        let kept = activations.modules[module.index]
      else {
        terms.append(InputGradientTerm(weights, gradient))
        continue
      }
      tile = kept.rowsOfTile
      let update = RoutedUpdate(
        kept.routing, bank: routed.transposedBank, rowsOfTile: kept.rowsOfTile,
        outputDropout: masks(of: module, layer))
      RoutedUpdate.projectDown([update], x: gradient, parallelism: parallelism)
      let routedGradient = RoutedGradient(z: kept.terms, u: update, routing: kept.routing)
      addRoutedGradients(
        routedGradient, trained, kept, input: input, outputGradient: gradient,
        width: weights.inFeatures)
      let gate = routed.gate.flatMap { gate in
        kept.gateGradients.map { InputGradientTerm.Gate(gate, $0.floats) }
      }
      terms.append(InputGradientTerm(weights, gradient, update: update, gate: gate))
    }
    if let target {
      inputGradient(
        terms, rows: rows, tile: tile, to: target.start, parallelism: parallelism)
    }
  }

  private func addRoutedGradients(
    _ gradient: RoutedGradient, _ trained: TrainedModule, _ kept: ModuleActivations,
    input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, width: Int
  ) {
    if let gates = kept.gateGradients {
      gradient.addGateGradients(
        temperature: model.temperature, to: gates.floats, parallelism: parallelism)
      if let gate = trained.gate {
        addWeightGradient(
          GradientRows(gates.floats, count: rows, width: model.adapterCount),
          GradientRows(input, count: rows, width: width),
          to: GradientTarget(gate.gradient, width: width), parallelism: parallelism)
      }
    }
    for (index, adapter) in trained.adapters.enumerated() {
      guard let adapter else { continue }
      gradient.addAdapterGradients(
        of: index, input: input, outputGradient: outputGradient, a: adapter.a.gradient,
        b: adapter.b.gradient, parallelism: parallelism)
    }
  }

  private func addBaseGradients(
    _ trained: TrainedModule, _ weights: WeightMatrix, input: UnsafePointer<Float>,
    outputGradient: UnsafePointer<Float>
  ) {
    if let weight = trained.weight {
      addWeightGradient(
        GradientRows(outputGradient, count: rows, width: weights.outFeatures),
        GradientRows(input, count: rows, width: weights.inFeatures),
        to: GradientTarget(weight.gradient, width: weights.inFeatures), parallelism: parallelism)
    }
    if let bias = trained.bias {
      addElementwiseGradient(
        outputGradient, nil, rows: rows, width: weights.outFeatures, to: bias.gradient,
        parallelism: parallelism)
    }
  }
}
