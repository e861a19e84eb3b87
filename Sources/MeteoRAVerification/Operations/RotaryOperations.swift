import MeteoRAKernels
import MeteoRASafetensors

// rope_frequencies:  head_dim, rope_theta, rope_scaling → inv_freq [d/2]
// rope:  x [T, heads, d], positions [T]; the same → y [T, heads, d], cos [T, d/2], sin [T, d/2]

extension CaseRun {
  func frequencies() throws(VerificationError) -> OperationOutcome {
    let inverse = try embedding().inverseFrequencies
    return .tensors(["inv_freq": GoldenTensor(inverse, shape: [inverse.count])])
  }

  func rotation() throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 3)
    let positions = try integers("positions", rank: 1).values
    let embedding = try embedding()
    let shape = [positions.count, embedding.headDimension / 2]
    try requireRoom(for: "cos", shape: shape)
    let (y, tables) = try kernel { () throws(KernelError) in
      let y = try rotate(
        x.values, positions: positions, heads: x.shape[1], by: embedding,
        parallelism: parallelism)
      return (y, try embedding.tables(for: positions))
    }
    return .tensors([
      "y": GoldenTensor(y, shape: x.shape), "cos": GoldenTensor(tables.cos, shape: shape),
      "sin": GoldenTensor(tables.sin, shape: shape),
    ])
  }

  func embedding() throws(VerificationError) -> RotaryEmbedding {
    let settings = try parameters { parameters throws(JSONError) in
      (
        dimension: try parameters.required("head_dim").integerValue(in: 0...Int(Int32.max)),
        theta: Float(try parameters.required("rope_theta").doubleValue()),
        scaling: try Self.scaling(try parameters.optional("rope_scaling"))
      )
    }
    return try kernel { () throws(KernelError) in
      try RotaryEmbedding(
        headDimension: settings.dimension, theta: settings.theta, scaling: settings.scaling)
    }
  }

  /// - Parameter value: `rope_scaling` of a Hugging Face configuration.
  private static func scaling(_ value: JSONValue?) throws(JSONError) -> RotaryScaling {
    guard let value else { return .unscaled }
    func number(_ name: String) throws(JSONError) -> Float {
      Float(try value.required(name).doubleValue())
    }
    let type =
      value["rope_type"] == nil ? try value.required("type") : try value.required("rope_type")
    if type.equals("default") { return .unscaled }
    if type.equals("linear") { return .linear(factor: try number("factor")) }
    guard type.equals("llama3") else { throw type.mismatch(expected: "default, linear or llama3") }
    return .llama3(
      factor: try number("factor"), lowFrequencyFactor: try number("low_freq_factor"),
      highFrequencyFactor: try number("high_freq_factor"),
      originalContext: try number("original_max_position_embeddings"))
  }
}
