/// The seven linear modules of a Llama decoder layer, in the order in which they run.
public enum LinearModule: String, CaseIterable, Sendable, Codable {
  /// Hidden state to queries, `[heads · d, H]`.
  case query = "q_proj"
  /// Hidden state to keys, `[kv heads · d, H]`.
  case key = "k_proj"
  /// Hidden state to values, `[kv heads · d, H]`.
  case value = "v_proj"
  /// Attention's output to hidden state, `[H, heads · d]`.
  case output = "o_proj"
  /// Hidden state to what SiLU is taken of, `[intermediate, H]`.
  case gate = "gate_proj"
  /// Hidden state to what that multiplies, `[intermediate, H]`.
  case up = "up_proj"
  /// Their product to hidden state, `[H, intermediate]`.
  case down = "down_proj"

  /// The submodule of the layer that holds this module, as Transformers names it.
  public var block: String {
    switch self {
    case .query, .key, .value, .output: "self_attn"
    case .gate, .up, .down: "mlp"
    }
  }

  /// The path from the model's root, such as `model.layers.3.mlp.up_proj`.
  public func path(layer: Int) -> String {
    "model.layers.\(layer).\(block).\(rawValue)"
  }
}

/// The modules of a layer that share an input, whose products are computed together.
public enum LinearGroup: CaseIterable, Sendable {
  /// q, k and v read the normalised hidden state.
  case attentionInput
  /// o reads the attention's output.
  case attentionOutput
  /// gate and up read the normalised hidden state.
  case mlpInput
  /// down reads `silu(gate) · up`.
  case mlpOutput

  /// The modules of the group, in order.
  public var modules: [LinearModule] {
    switch self {
    case .attentionInput: [.query, .key, .value]
    case .attentionOutput: [.output]
    case .mlpInput: [.gate, .up]
    case .mlpOutput: [.down]
    }
  }
}
