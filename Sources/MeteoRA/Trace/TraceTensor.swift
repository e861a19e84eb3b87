/// How much of a forward pass a trace holds.
public enum TraceDetail: Sendable {
  /// Logits, hidden states and, of every routed module, gate logits, choice and weights.
  case summary
  /// Those and every intermediate value.
  case everything
}

/// A named tensor of a trace.
public struct TraceTensor: Sendable, Equatable {
  /// Its elements.
  public enum Values: Sendable, Equatable {
    /// Of every tensor but the choices of adapters.
    case float32([Float])
    /// Adapter indices, of the tensors named `….selected`.
    case int64([Int64])
  }

  /// As in a trace file, such as `layers.0.q_proj.gate_logits`.
  public var name: String
  /// Outermost first; the first is the number of tokens.
  public var shape: [Int]
  /// Row-major.
  public var values: Values
}
