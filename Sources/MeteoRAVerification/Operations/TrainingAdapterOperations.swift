import MeteoRAKernels
import MeteoRASafetensors

// lora_moe_gradient:  x [R, in], dy [R, out], weight [out, in], selected [R, k], weights [R, k],
//                     A.{i}, B.{i}, gate [L, in] and loss_dg [R, L], or none: one adapter alone,
//                     mask.{i} [R, in], or none; as lora_moe, temperature, batches
//                     → dx [R, in], dA.{i}, dB.{i}, dg [R, L], dgate [L, in]

extension CaseRun {
  func routedGradients() throws(VerificationError) -> OperationOutcome {
    let layer = try RoutedLayer(self)
    var sums = RoutedLayer.Sums(of: layer)
    for batch in try batches(of: layer.rows) {
      try kernel { () throws(KernelError) in
        try layer.differentiate(batch, adding: &sums, parallelism: parallelism)
      }
    }
    return .tensors(sums.tensors(of: layer))
  }
}

/// The layer of a case.
private struct RoutedLayer {
  let x: [Float]
  let dy: [Float]
  let rows: Int
  let weights: WeightMatrix
  let bank: LoRABank
  let selected: [Int32]
  let routingWeights: [Float]
  let topK: Int
  /// With the gradient of the gate loss, and T.
  let gate: (weights: WeightMatrix, lossGradient: [Float], temperature: Float)?
  /// By adapter.
  let masks: [[Float]]?

  init(_ run: CaseRun) throws(VerificationError) {
    weights = try run.matrix("weight")
    let (inputs, outputs) = (weights.inFeatures, weights.outFeatures)
    let x = try run.floats("x", rank: 2, width: inputs)
    let rows = x.shape[0]
    self.x = x.values
    self.rows = rows
    dy = try run.floats("dy", rank: 2, shape: [rows, outputs]).values
    bank = try run.bank(fitting: "dy")
    let selected = try run.integers("selected", rank: 2)
    self.selected = selected.values.map { Int32(clamping: $0) }
    topK = selected.shape[1]
    routingWeights = try run.floats("weights", rank: 2, shape: selected.shape).values
    guard selected.shape[0] == rows else {
      throw .inputMismatch(
        case: run.golden.id, name: "selected", expected: "\(rows) rows", actual: "\(selected.shape)"
      )
    }
    let count = bank.adapters.count
    if run.golden.input(named: "gate") == nil {
      gate = nil
    } else {
      let temperature = try run.parameters { parameters throws(JSONError) in
        Float(try parameters.required("temperature").doubleValue())
      }
      gate = (
        try run.matrix("gate"),
        try run.floats("loss_dg", rank: 2, shape: [rows, count]).values, temperature
      )
    }
    // An adapter that lacks the module has no mask either.
    var masks: [[Float]] = []
    for (index, adapter) in bank.adapters.enumerated() {
      let name = "mask.\(index)"
      let isGiven = run.golden.input(named: name) != nil
      if !isGiven, masks.isEmpty || adapter != nil { break }
      masks.append(isGiven ? try run.floats(name, rank: 2, shape: [rows, inputs]).values : [])
    }
    guard masks.isEmpty || masks.count == count else {
      throw .missingInput(case: run.golden.id, name: "mask.\(masks.count)")
    }
    self.masks = masks.isEmpty ? nil : masks
  }

  /// What the layer's gradients are added to.
  struct Sums {
    var dx: [Float]
    var dg: [Float]
    var gate: [Float]
    var a: [[Float]]
    var b: [[Float]]

    init(of layer: RoutedLayer) {
      let (inputs, outputs) = (layer.weights.inFeatures, layer.weights.outFeatures)
      dx = [Float](repeating: 0, count: layer.rows * inputs)
      dg = layer.gate?.lossGradient ?? []
      gate = [Float](repeating: 0, count: layer.bank.adapters.count * inputs)
      a = layer.bank.adapters.map { [Float](repeating: 0, count: ($0?.rank ?? 0) * inputs) }
      b = layer.bank.adapters.map { [Float](repeating: 0, count: ($0?.rank ?? 0) * outputs) }
    }

    func tensors(of layer: RoutedLayer) -> [String: GoldenTensor] {
      let (inputs, outputs) = (layer.weights.inFeatures, layer.weights.outFeatures)
      var tensors = ["dx": GoldenTensor(dx, shape: [layer.rows, inputs])]
      for (index, adapter) in layer.bank.adapters.enumerated() {
        guard let adapter else { continue }
        tensors["dA.\(index)"] = GoldenTensor(a[index], shape: [adapter.rank, inputs])
        tensors["dB.\(index)"] = GoldenTensor(b[index], shape: [outputs, adapter.rank])
      }
      if layer.gate != nil {
        let count = layer.bank.adapters.count
        tensors["dg"] = GoldenTensor(dg, shape: [layer.rows, count])
        tensors["dgate"] = GoldenTensor(gate, shape: [count, inputs])
      }
      return tensors
    }
  }

  /// The masks of a batch that begins with some row.
  private func dropout(from first: Int) -> LoRADropout? {
    masks.map { masks in
      let width = weights.inFeatures
      return LoRADropout { row, adapter, columns, target in
        for (index, column) in columns.enumerated() {
          target[index] = masks[adapter][(first + row) * width + column]
        }
      }
    }
  }

  func differentiate(
    _ batch: Range<Int>, adding sums: inout Sums, parallelism: Parallelism
  ) throws(KernelError) {
    if batch.isEmpty { return }
    let (inputs, outputs) = (weights.inFeatures, weights.outFeatures)
    let terms = batch.lowerBound * topK..<batch.upperBound * topK
    let routing = try Routing(
      selected: Array(selected[terms]), weights: Array(routingWeights[terms]),
      tokens: batch.count, topK: topK, adapterCount: bank.adapters.count)
    let transposed = try bank.transposed()
    let dropout = dropout(from: batch.lowerBound)
    let tile = ProductInput.mostRowsOfTile
    withPointers(x, dy, to: &sums.dx) { x, dy, dx in
      let x = x + batch.lowerBound * inputs
      let dy = dy + batch.lowerBound * outputs
      let z = RoutedUpdate(routing, bank: bank, rowsOfTile: tile, inputDropout: dropout)
      let u = RoutedUpdate(routing, bank: transposed, rowsOfTile: tile, outputDropout: dropout)
      RoutedUpdate.projectDown([z], x: x, parallelism: parallelism)
      RoutedUpdate.projectDown([u], x: dy, parallelism: parallelism)
      let gradient = RoutedGradient(z: z, u: u, routing: routing)
      for index in bank.adapters.indices {
        withPointer(to: &sums.a[index]) { a in
          withPointer(to: &sums.b[index]) { b in
            gradient.addAdapterGradients(
              of: index, input: x, outputGradient: dy, a: a, b: b, parallelism: parallelism)
          }
        }
      }
      func finish(_ gate: InputGradientTerm.Gate?) {
        inputGradient(
          [InputGradientTerm(weights, dy, update: u, gate: gate)], rows: batch.count, tile: tile,
          to: dx + batch.lowerBound * inputs, parallelism: parallelism)
      }
      guard let gate else { return finish(nil) }
      withPointer(to: &sums.dg) { dg in
        let dg = dg + batch.lowerBound * bank.adapters.count
        gradient.addGateGradients(
          temperature: gate.temperature, to: dg, parallelism: parallelism)
        withPointer(to: &sums.gate) { target in
          addWeightGradient(
            GradientRows(dg, count: batch.count, width: bank.adapters.count),
            GradientRows(x, count: batch.count, width: inputs),
            to: GradientTarget(target, width: inputs), parallelism: parallelism)
        }
        finish(InputGradientTerm.Gate(gate.weights, dg))
      }
    }
  }
}
