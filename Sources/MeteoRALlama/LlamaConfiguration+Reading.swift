import Foundation
import MeteoRAKernels

extension LlamaConfiguration {
  /// Reads a `config.json`, in the spelling of Transformers 4 (`rope_theta`, `rope_scaling`) or 5
  /// (`rope_parameters`).
  ///
  /// Fields that Llama configurations of some version leave out take the value that Transformers
  /// gives them: `num_key_value_heads` = `num_attention_heads`, `head_dim` = `hidden_size` /
  /// `num_attention_heads`, `rope_theta` = 10000, `max_position_embeddings` = 2048, no biases,
  /// untied embeddings. `pretraining_tp` is not looked at: it cuts sums into parts, and their order
  /// is this package's own.
  ///
  /// - Parameter url: The file.
  /// - Throws: ``LlamaError``: the file cannot be read, is no JSON, lacks a field, holds a value
  ///   out of range, or asks for something that is not supported (another architecture or
  ///   activation, a rope type other than default, linear and llama3, rotary embedding of a part
  ///   of the head, sliding windows, quantised weights, an odd head dimension).
  public init(contentsOf url: URL) throws(LlamaError) {
    let fields = try ConfigurationFields(contentsOf: url)
    try Self.check(fields) { rule throws(LlamaError) in try rule() }
    let heads = try HeadSizes(fields)
    let rope = try fields.rotarySettings()
    vocabularySize = try fields.size("vocab_size")
    hiddenSize = heads.hiddenSize
    intermediateSize = try fields.size("intermediate_size")
    layerCount = try fields.size("num_hidden_layers")
    attentionHeads = heads.attentionHeads
    keyValueHeads = heads.keyValueHeads
    headDimension = heads.dimension
    normEpsilon = try fields.normEpsilon()
    maximumPositions = try fields.optionalSize("max_position_embeddings") ?? 2048
    ropeTheta = rope.theta
    ropeScaling = rope.scaling
    tiesEmbeddings = try fields.flag("tie_word_embeddings")
    hasAttentionBias = try fields.flag("attention_bias")
    hasMLPBias = try fields.flag("mlp_bias")
  }

  /// What ``init(contentsOf:)`` would refuse in a `config.json`, where that stops at the first: one
  /// problem a field at most, and one of the rotary settings together.
  package static func problems(contentsOf url: URL) -> [LlamaError] {
    var problems: [LlamaError] = []
    do throws(LlamaError) {
      try check(ConfigurationFields(contentsOf: url)) { rule throws(LlamaError) in
        do throws(LlamaError) {
          try rule()
        } catch {
          // A size that cannot be read is no size that fits the others either.
          if !problems.contains(error) { problems.append(error) }
        }
      }
    } catch {
      problems.append(error)
    }
    return problems
  }

  /// Goes through the rules, each of which can be broken without the others.
  private static func check(
    _ fields: ConfigurationFields,
    _ apply: (() throws(LlamaError) -> Void) throws(LlamaError) -> Void
  ) throws(LlamaError) {
    try apply { () throws(LlamaError) in try fields.require("model_type", oneOf: ["llama"]) }
    try apply { () throws(LlamaError) in
      try fields.requireElements("architectures", oneOf: ["LlamaForCausalLM"])
    }
    try apply { () throws(LlamaError) in
      guard try fields.optional("hidden_act") != nil else { return }
      try fields.require("hidden_act", oneOf: ["silu", "swish"])
    }
    for field in ["quantization_config", "sliding_window"] {
      try apply { () throws(LlamaError) in try fields.refuse(field) }
    }
    for field in ["hidden_size", "num_attention_heads"] {
      try apply { () throws(LlamaError) in _ = try fields.size(field) }
    }
    for field in ["num_key_value_heads", "head_dim"] {
      try apply { () throws(LlamaError) in _ = try fields.optionalSize(field) }
    }
    try apply { () throws(LlamaError) in _ = try HeadSizes(fields) }
    try apply { () throws(LlamaError) in _ = try fields.rotarySettings() }
    for field in ["vocab_size", "intermediate_size", "num_hidden_layers"] {
      try apply { () throws(LlamaError) in _ = try fields.size(field) }
    }
    try apply { () throws(LlamaError) in _ = try fields.normEpsilon() }
    try apply { () throws(LlamaError) in
      _ = try fields.optionalSize("max_position_embeddings")
    }
    for field in ["tie_word_embeddings", "attention_bias", "mlp_bias"] {
      try apply { () throws(LlamaError) in _ = try fields.flag(field) }
    }
  }
}

/// The sizes that have to fit each other.
private struct HeadSizes {
  let hiddenSize: Int
  let attentionHeads: Int
  let keyValueHeads: Int
  let dimension: Int

  init(_ fields: ConfigurationFields) throws(LlamaError) {
    hiddenSize = try fields.size("hidden_size")
    attentionHeads = try fields.size("num_attention_heads")
    keyValueHeads = try fields.optionalSize("num_key_value_heads") ?? attentionHeads
    guard attentionHeads % keyValueHeads == 0 else {
      throw fields.invalid(
        "num_key_value_heads", found: "\(keyValueHeads)",
        expected: "a divisor of num_attention_heads (\(attentionHeads))")
    }
    let explicitDimension = try fields.optionalSize("head_dim")
    guard explicitDimension != nil || hiddenSize % attentionHeads == 0 else {
      throw fields.invalid(
        "hidden_size", found: "\(hiddenSize)",
        expected: "a multiple of num_attention_heads (\(attentionHeads)), as head_dim is not given")
    }
    dimension = explicitDimension ?? hiddenSize / attentionHeads
    guard dimension % 2 == 0 else {
      throw fields.unsupported("head_dim", found: "\(dimension)", supported: "even numbers")
    }
  }
}

extension ConfigurationFields {
  fileprivate func normEpsilon() throws(LlamaError) -> Float {
    let epsilon = Float(try number("rms_norm_eps"))
    guard epsilon.isFinite, epsilon >= 0 else {
      throw invalid("rms_norm_eps", found: "\(epsilon)", expected: "finite, not negative")
    }
    return epsilon
  }
}
