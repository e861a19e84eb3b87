import MeteoRAKernels
import MeteoRASafetensors

extension ConfigurationFields {
  /// The rotary settings, from `rope_parameters` if it is there, else from `rope_theta` and
  /// `rope_scaling`.
  func rotarySettings() throws(LlamaError) -> (theta: Float, scaling: RotaryScaling) {
    let parameters = try optionalObject("rope_parameters")
    let scaling = try optionalObject("rope_scaling")
    if parameters != nil, scaling != nil {
      // The same settings in two places: Transformers would drop one of them without a word.
      throw invalid(
        "rope_scaling", found: "given beside rope_parameters", expected: "one of the two")
    }
    try requireWholeHead()
    var theta = try parameters?.optionalNumber("rope_theta")
    if theta == nil { theta = try optionalNumber("rope_theta") }
    var settings = (theta: Float(theta ?? 10000), scaling: RotaryScaling.unscaled)
    if let parameters {
      settings.scaling = try scalingSettings(in: parameters, named: "rope_parameters")
    } else if let scaling {
      settings.scaling = try scalingSettings(in: scaling, named: "rope_scaling")
    }
    do throws(KernelError) {
      // The settings are checked with the smallest head: frequencies for a head of the size that
      // the file claims would take its memory before any tensor has confirmed it.
      _ = try RotaryEmbedding(
        headDimension: 2, theta: settings.theta, scaling: settings.scaling)
    } catch {
      throw .kernel(context: file, error)
    }
    return settings
  }

  /// - Parameters:
  ///   - settings: The object that holds the type and its numbers.
  ///   - name: The name of that object's field.
  private func scalingSettings(
    in settings: ConfigurationFields, named name: String
  ) throws(LlamaError) -> RotaryScaling {
    try settings.requireWholeHead()
    var type = try settings.optional("rope_type")
    if type == nil { type = try settings.optional("type") }
    guard let type else {
      // Transformers 5 writes `rope_parameters` with nothing but `rope_theta`.
      if name == "rope_parameters" { return .unscaled }
      throw invalid(name, found: "no rope_type", expected: "a field rope_type or type")
    }
    if type.equals("default") { return .unscaled }
    if type.equals("linear") { return .linear(factor: Float(try settings.number("factor"))) }
    if type.equals("llama3") {
      let original = Float(try settings.number("original_max_position_embeddings"))
      try requireSameContext(original)
      return .llama3(
        factor: Float(try settings.number("factor")),
        lowFrequencyFactor: Float(try settings.number("low_freq_factor")),
        highFrequencyFactor: Float(try settings.number("high_freq_factor")),
        originalContext: original)
    }
    guard let found = type.string else { throw .json(type.mismatch(expected: "a string")) }
    throw unsupported("\(name).rope_type", found: found, supported: "default, linear, llama3")
  }

  /// Throws if only a part of every head is rotated, which both versions of Transformers would do.
  private func requireWholeHead() throws(LlamaError) {
    if let factor = try optionalNumber("partial_rotary_factor"), factor != 1 {
      throw unsupported("partial_rotary_factor", found: "\(factor)", supported: "1")
    }
  }

  /// Throws if the configuration has another original context outside the rotary settings:
  /// Transformers 5 would take that one, Transformers 4 the one inside.
  private func requireSameContext(_ original: Float) throws(LlamaError) {
    let field = "original_max_position_embeddings"
    if let outer = try optionalNumber(field), Float(outer) != original {
      throw invalid(field, found: "\(outer)", expected: "\(original), as in the rotary settings")
    }
  }
}
