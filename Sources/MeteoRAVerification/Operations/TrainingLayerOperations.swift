import MeteoRAKernels
import MeteoRASafetensors

// linear_gradient:     x [R, in], weight [out, in], dy [R, out]; batches
//                      → dx [R, in], dweight [out, in], dbias [out]
// embedding_gradient:  ids [R], dy [R, H]; vocabulary, batches; of a tied head also
//                      head_x [S, H], head_dy [S, V]; head_batches → dweight [V, H]
// rms_norm_gradient:   x [R, H], weight [H], dy [R, H]; eps, batches → dx [R, H], dweight [H]
// silu_mul_gradient:   gate, up, dy [R, N] → dgate, dup [R, N]
// rope_gradient:       dy [R, heads, d], positions [R]; as rope → dx [R, heads, d]
// attention_gradient:  q, dy [R, heads, d], k and v [R, kv heads, d]; lengths → dq, dk, dv
// cross_entropy:       logits [R, V], labels [R]; count, beta, batches
//                      → losses [labelled], dlogits [R, V], loss [1]

extension CaseRun {
  func linearGradient() throws(VerificationError) -> OperationOutcome {
    let weights = try matrix("weight")
    let (inputs, outputs) = (weights.inFeatures, weights.outFeatures)
    let dy = try floats("dy", rank: 2, width: outputs)
    let rows = dy.shape[0]
    let x = try floats("x", rank: 2, shape: [rows, inputs])
    var dx = [Float](repeating: 0, count: rows * inputs)
    var dweight = [Float](repeating: 0, count: outputs * inputs)
    var dbias = [Float](repeating: 0, count: outputs)
    for batch in try batches(of: rows) {
      withPointers(dy.values, x.values, to: &dx) { dy, x, dx in
        let dy = dy + batch.lowerBound * outputs
        let x = x + batch.lowerBound * inputs
        inputGradient(
          [InputGradientTerm(weights, dy)], rows: batch.count, tile: ProductInput.mostRowsOfTile,
          to: dx + batch.lowerBound * inputs, parallelism: parallelism)
        withPointer(to: &dweight) { target in
          addWeightGradient(
            GradientRows(dy, count: batch.count, width: outputs),
            GradientRows(x, count: batch.count, width: inputs),
            to: GradientTarget(target, width: inputs), parallelism: parallelism)
        }
        withPointer(to: &dbias) { target in
          addElementwiseGradient(
            dy, nil, rows: batch.count, width: outputs, to: target, parallelism: parallelism)
        }
      }
    }
    return .tensors([
      "dx": GoldenTensor(dx, shape: x.shape),
      "dweight": GoldenTensor(dweight, shape: [outputs, inputs]),
      "dbias": GoldenTensor(dbias, shape: [outputs]),
    ])
  }

  func embeddingGradient() throws(VerificationError) -> OperationOutcome {
    let ids = try integers("ids", rank: 1).values
    let dy = try floats("dy", rank: 2)
    let width = dy.shape[1]
    let vocabulary = try parameters { parameters throws(JSONError) in
      try parameters.required("vocabulary").integerValue(in: 1...Int(Int32.max))
    }
    try requireRoom(for: "dweight", shape: [vocabulary, width])
    try requireIndices(ids, below: vocabulary, in: "ids")
    var dweight = [Float](repeating: 0, count: vocabulary * width)
    let head = golden.input(named: "head_x") == nil ? nil : try floats("head_x", rank: 2)
    let headGradient = try head.map { head throws(VerificationError) in
      try floats("head_dy", rank: 2, shape: [head.shape[0], vocabulary])
    }
    let headBatches = try head.map { head throws(VerificationError) in
      try batches(of: head.shape[0], named: "head_batches")
    }
    for (index, batch) in try batches(of: dy.shape[0]).enumerated() {
      if let head, let headGradient, let rows = headBatches?[index] {
        withPointers(headGradient.values, head.values, to: &dweight) { dy, x, target in
          addWeightGradient(
            GradientRows(dy + rows.lowerBound * vocabulary, count: rows.count, width: vocabulary),
            GradientRows(x + rows.lowerBound * width, count: rows.count, width: width),
            to: GradientTarget(target, width: width), parallelism: parallelism)
        }
      }
      withPointers(dy.values, dy.values, to: &dweight) { dy, _, target in
        addEmbeddingGradient(
          dy + batch.lowerBound * width, ids: ids[batch], width: width, to: target)
      }
    }
    return .tensors(["dweight": GoldenTensor(dweight, shape: [vocabulary, width])])
  }

  func normalisationGradient() throws(VerificationError) -> OperationOutcome {
    let weight = try floats("weight", rank: 1).values
    let x = try floats("x", rank: 2, width: weight.count)
    let dy = try floats("dy", rank: 2, shape: x.shape)
    let epsilon = try parameters { parameters throws(JSONError) in
      Float(try parameters.required("eps").doubleValue())
    }
    let width = weight.count
    var dx = x.values
    var dweight = [Float](repeating: 0, count: width)
    for batch in try batches(of: x.shape[0]) {
      var normalised = [Float](repeating: 0, count: batch.count * width)
      withPointers(x.values, dy.values, to: &dx) { x, dy, dx in
        let first = batch.lowerBound * width
        withPointer(to: &normalised) { normalised in
          rmsNormGradient(
            x + first, rows: batch.count, weight: weight, epsilon: epsilon,
            outputGradient: dy + first, to: dx + first, normalised: normalised,
            parallelism: parallelism)
          withPointer(to: &dweight) { dweight in
            addElementwiseGradient(
              dy + first, normalised, rows: batch.count, width: width, to: dweight,
              parallelism: parallelism)
          }
        }
      }
    }
    return .tensors([
      "dx": GoldenTensor(dx, shape: x.shape), "dweight": GoldenTensor(dweight, shape: [width]),
    ])
  }

  func gatedActivationGradient() throws(VerificationError) -> OperationOutcome {
    let gate = try floats("gate", rank: 2)
    let up = try floats("up", rank: 2, shape: gate.shape)
    let dy = try floats("dy", rank: 2, shape: gate.shape)
    var (dgate, dup) = (gate.values, up.values)
    withPointers(dy.values, dy.values, to: &dgate) { dy, _, dgate in
      withPointer(to: &dup) { dup in
        siluMultiplyGradient(
          gate: dgate, up: dup, outputGradient: dy, count: gate.values.count,
          gateGradient: dgate, upGradient: dup, parallelism: parallelism)
      }
    }
    return .tensors([
      "dgate": GoldenTensor(dgate, shape: gate.shape), "dup": GoldenTensor(dup, shape: gate.shape),
    ])
  }

  func rotationGradient() throws(VerificationError) -> OperationOutcome {
    let dy = try floats("dy", rank: 3)
    let positions = try integers("positions", rank: 1).values
    let embedding = try embedding()
    guard dy.shape[0] == positions.count, dy.shape[2] == embedding.headDimension else {
      throw .inputMismatch(
        case: golden.id, name: "dy",
        expected: "of \(positions.count) rows and heads of \(embedding.headDimension)",
        actual: "\(dy.shape)")
    }
    let tables = embedding.tables(forRows: positions)
    var dx = dy.values
    withPointer(to: &dx) { dx in
      rotateBack(
        dx, rows: positions.count, heads: dy.shape[1], dimension: dy.shape[2], cos: tables.cos,
        sin: tables.sin, parallelism: parallelism)
    }
    return .tensors(["dx": GoldenTensor(dx, shape: dy.shape)])
  }

  func attentionGradient() throws(VerificationError) -> OperationOutcome {
    let queries = try floats("q", rank: 3)
    let keys = try floats("k", rank: 3)
    let values = try floats("v", rank: 3, shape: keys.shape)
    let dy = try floats("dy", rank: 3, shape: queries.shape)
    let sequences = try batches(of: queries.shape[0], named: "lengths")
    guard keys.shape[0] == queries.shape[0], keys.shape[2] == queries.shape[2],
      keys.shape[1] > 0, queries.shape[1] % keys.shape[1] == 0
    else {
      throw .inputMismatch(
        case: golden.id, name: "k", expected: "rows and heads that fit q", actual: "\(keys.shape)")
    }
    var (dq, dk, dv) = (queries.values, keys.values, values.values)
    withPointers(queries.values, keys.values, to: &dq) { q, k, dq in
      withPointers(values.values, dy.values, to: &dk) { v, dy, dk in
        withPointer(to: &dv) { dv in
          attendGradient(
            AttentionGradientInput(
              queries: q, keys: k, values: v, outputGradient: dy, heads: queries.shape[1],
              keyValueHeads: keys.shape[1], dimension: queries.shape[2]),
            sequences: sequences,
            to: AttentionGradientOutput(queries: dq, keys: dk, values: dv),
            parallelism: parallelism)
        }
      }
    }
    return .tensors([
      "dq": GoldenTensor(dq, shape: queries.shape), "dk": GoldenTensor(dk, shape: keys.shape),
      "dv": GoldenTensor(dv, shape: keys.shape),
    ])
  }

  func crossEntropyOfLogits() throws(VerificationError) -> OperationOutcome {
    let logits = try floats("logits", rank: 2)
    let labels = try integers("labels", rank: 1).values
    let width = logits.shape[1]
    try requireIndices(labels.filter { $0 >= 0 }, below: width, in: "labels")
    guard labels.count == logits.shape[0] else {
      throw .inputMismatch(
        case: golden.id, name: "labels", expected: "\(logits.shape[0]) long",
        actual: "\(labels.count)")
    }
    let (count, beta) = try parameters { parameters throws(JSONError) in
      (
        try parameters.required("count").integerValue(in: 1...Int(Int32.max)),
        try parameters.optional("beta").map { beta throws(JSONError) in
          Float(try beta.doubleValue())
        }
      )
    }
    let reciprocal = 1 / Float(count)
    var gradients = logits.values
    var losses: [Float] = []
    var total: Float = 0
    for batch in try batches(of: labels.count) {
      let rows = batch.compactMap { row in
        labels[row] < 0 ? nil : LabelledRow(row: row, label: labels[row])
      }
      var own = [Float](repeating: 0, count: rows.count)
      withPointer(to: &gradients) { gradients in
        for row in batch where labels[row] < 0 {
          (gradients + row * width).update(repeating: 0, count: width)
        }
        withPointer(to: &own) { own in
          crossEntropyGradient(
            gradients, width: width, rows: rows[...],
            scale: beta.map { $0 * reciprocal } ?? reciprocal, losses: own,
            parallelism: parallelism)
        }
      }
      own.withUnsafeBufferPointer { addLosses($0, to: &total) }
      losses += own
    }
    return .tensors([
      "losses": GoldenTensor(losses, shape: [losses.count]),
      "dlogits": GoldenTensor(gradients, shape: logits.shape),
      "loss": GoldenTensor([total / Float(count)], shape: [1]),
    ])
  }
}
