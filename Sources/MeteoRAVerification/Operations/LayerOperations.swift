import MeteoRAKernels
import MeteoRASafetensors

// linear:     x [T, in], weight [out, in], bias [out] or absent → y [T, out]
// rms_norm:   x [T, H], weight [H]; eps → y [T, H]
// silu_mul:   gate [T, N], up [T, N] → y [T, N]
// softmax:    x [T, N] → y [T, N]
// attention:  q [T, heads, d], k and v [T, kv heads, d], rotated; lengths → y [T, heads, d]

extension CaseRun {
  func linearLayer() throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 2)
    let weights = try matrix("weight")
    let bias = golden.input(named: "bias") == nil ? nil : try floats("bias", rank: 1).values
    let shape = [x.shape[0], weights.outFeatures]
    try requireRoom(for: "y", shape: shape)
    let y = try kernel { () throws(KernelError) in
      try linear(
        x.values, rows: x.shape[0], weights: weights, bias: bias, parallelism: parallelism)
    }
    return .tensors(["y": GoldenTensor(y, shape: shape)])
  }

  func normalisation() throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 2)
    let weight = try floats("weight", rank: 1).values
    let epsilon = try parameters { parameters throws(JSONError) in
      Float(try parameters.required("eps").doubleValue())
    }
    let y = try kernel { () throws(KernelError) in
      try rmsNorm(
        x.values, rows: x.shape[0], weight: weight, epsilon: epsilon, parallelism: parallelism)
    }
    return .tensors(["y": GoldenTensor(y, shape: x.shape)])
  }

  func gatedActivation() throws(VerificationError) -> OperationOutcome {
    let gate = try floats("gate", rank: 2)
    let up = try floats("up", rank: 2).values
    let y = try kernel { () throws(KernelError) in
      try siluMultiply(gate: gate.values, up: up, parallelism: parallelism)
    }
    return .tensors(["y": GoldenTensor(y, shape: gate.shape)])
  }

  func softmaxOfRows() throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 2)
    let y = try kernel { () throws(KernelError) in
      try softmax(x.values, rows: x.shape[0], width: x.shape[1], parallelism: parallelism)
    }
    return .tensors(["y": GoldenTensor(y, shape: x.shape)])
  }

  func causalAttention() throws(VerificationError) -> OperationOutcome {
    let queries = try floats("q", rank: 3)
    let keys = try floats("k", rank: 3)
    let values = try floats("v", rank: 3)
    let lengths = try parameters { parameters throws(JSONError) in
      try parameters.required("lengths").integersValue(in: 0...Int(Int32.max))
    }
    let y = try kernel { () throws(KernelError) in
      try attention(
        queries: queries.values, keys: keys.values, values: values.values,
        heads: queries.shape[1], keyValueHeads: keys.shape[1], dimension: queries.shape[2],
        lengths: lengths, parallelism: parallelism)
    }
    return .tensors(["y": GoldenTensor(y, shape: queries.shape)])
  }
}
