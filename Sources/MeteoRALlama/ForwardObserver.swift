/// A place in the forward pass whose values can be watched.
package enum TracePoint: Sendable, Hashable {
  case embeddings
  case inputNorm(Int)
  case queryRotated(Int)
  case keyRotated(Int)
  case attention(Int)
  case postAttentionNorm(Int)
  case hidden(Int)
  case module(Int, LinearModule, ModulePoint)
  case finalNorm
  case logits

  /// A place inside a linear module.
  package enum ModulePoint: String, Sendable, Hashable {
    case input, base, delta, output
    case gateLogits = "gate_logits"
  }

  /// The name in a trace file.
  package var name: String {
    switch self {
    case .embeddings: "embeddings"
    case .inputNorm(let layer): "layers.\(layer).input_norm"
    case .queryRotated(let layer): "layers.\(layer).q_rope"
    case .keyRotated(let layer): "layers.\(layer).k_rope"
    case .attention(let layer): "layers.\(layer).attention"
    case .postAttentionNorm(let layer): "layers.\(layer).post_attention_norm"
    case .hidden(let layer): "layers.\(layer).hidden"
    case .module(let layer, let module, let point):
      "layers.\(layer).\(module.rawValue).\(point.rawValue)"
    case .finalNorm: "final_norm"
    case .logits: "logits"
    }
  }
}

/// Where a row of a forward pass comes from.
package struct RowOrigin: Sendable, Equatable {
  /// ``SequenceInput/id`` of its sequence.
  package var sequence: Int
  /// Position in that sequence, from 0.
  package var position: Int
}

/// Sees the values of a forward pass as they are made.
package protocol ForwardObserver: AnyObject {
  /// Called before the first value, with the origin of every row of this pass.
  func begin(rows: [RowOrigin])
  /// Whether ``observe(_:_:width:)`` would use these values: those that cost extra work to make are
  /// made only then.
  func wants(_ point: TracePoint) -> Bool
  /// `values` is `[rows, width]`; it is only valid during the call.
  func observe(_ point: TracePoint, _ values: UnsafePointer<Float>, width: Int)
}
