import MeteoRAKernels

/// The shape and settings of a Llama model, as a Hugging Face `config.json` gives them.
///
/// Reading refuses by name what would change the result and is not built: see
/// ``init(contentsOf:)``. What was read cannot be changed, so the sizes are those that were
/// checked.
public struct LlamaConfiguration: Sendable, Equatable {
  /// Rows of the embedding: ids are below it.
  public let vocabularySize: Int
  /// H, elements of a hidden state.
  public let hiddenSize: Int
  /// Elements between the two halves of the MLP.
  public let intermediateSize: Int
  /// Decoder layers.
  public let layerCount: Int
  /// Query heads.
  public let attentionHeads: Int
  /// Key-value heads; divides ``attentionHeads``.
  public let keyValueHeads: Int
  /// Elements of a head; `hiddenSize / attentionHeads` unless the file says otherwise.
  public let headDimension: Int
  /// ε of RMSNorm.
  public let normEpsilon: Float
  /// Positions that the model was made for: prompt and new tokens together end there.
  public let maximumPositions: Int
  /// Base of the rotary embedding's frequencies.
  public let ropeTheta: Float
  /// Stretching of those frequencies.
  public let ropeScaling: RotaryScaling
  /// The output matrix is the embedding.
  public let tiesEmbeddings: Bool
  /// q, k, v and o have a bias.
  public let hasAttentionBias: Bool
  /// gate, up and down have a bias.
  public let hasMLPBias: Bool

  /// The size `[out, in]` of a linear module's weight.
  public func shape(of module: LinearModule) -> (outFeatures: Int, inFeatures: Int) {
    let queries = attentionHeads * headDimension
    let keys = keyValueHeads * headDimension
    return switch module {
    case .query: (queries, hiddenSize)
    case .key, .value: (keys, hiddenSize)
    case .output: (hiddenSize, queries)
    case .gate, .up: (intermediateSize, hiddenSize)
    case .down: (hiddenSize, intermediateSize)
    }
  }

  /// Whether a linear module has a bias.
  public func hasBias(_ module: LinearModule) -> Bool {
    module.block == "mlp" ? hasMLPBias : hasAttentionBias
  }
}
