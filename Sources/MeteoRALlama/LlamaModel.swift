import MeteoRAKernels

/// A linear layer: packed weights and, in models that have one, a bias.
public struct LlamaLinear: Sendable {
  /// `[outFeatures, inFeatures]`.
  public let weights: WeightMatrix
  /// `[outFeatures]`.
  public let bias: [Float]?

  package init(weights: WeightMatrix, bias: [Float]?) {
    self.weights = weights
    self.bias = bias
  }
}

/// The weights of one decoder layer.
public struct LlamaLayer: Sendable {
  /// `[H]`, the weight of the RMSNorm before attention.
  public let inputNorm: [Float]
  /// `[H]`, the weight of the RMSNorm before the MLP.
  public let postAttentionNorm: [Float]
  private let linears: [LlamaLinear]

  /// - Parameter linears: One for every ``LinearModule``, in the order of its cases.
  package init(inputNorm: [Float], postAttentionNorm: [Float], linears: [LlamaLinear]) {
    self.inputNorm = inputNorm
    self.postAttentionNorm = postAttentionNorm
    self.linears = linears
  }

  /// The weights of a module.
  public subscript(module: LinearModule) -> LlamaLinear { linears[module.index] }
}

extension LinearModule {
  /// The module's place among all cases.
  package var index: Int {
    switch self {
    case .query: 0
    case .key: 1
    case .value: 2
    case .output: 3
    case .gate: 4
    case .up: 5
    case .down: 6
    }
  }
}

/// A Llama decoder: configuration and weights, immutable, shared by any number of sequences.
///
/// The forward pass, `LlamaModel+Forward.swift`, leaves the linear modules of a layer to a
/// `LinearGroupEvaluator`: plain products here, products and routed adapters in a MeteoRA model.
/// ``generate(_:options:parallelism:)`` and ``logits(of:parallelism:)`` run the plain one.
public final class LlamaModel: Sendable {
  /// Shape and settings.
  public let configuration: LlamaConfiguration
  /// Special ids of `generation_config.json`, else of `config.json`.
  public let specialTokens: SpecialTokens
  /// Decoder layers, in order.
  public let layers: [LlamaLayer]
  /// `[vocabularySize, H]`.
  public let embedding: WeightMatrix
  /// `[H]`, the weight of the last RMSNorm.
  public let finalNorm: [Float]
  /// `[vocabularySize, H]`; the embedding itself if the model ties them.
  public let head: WeightMatrix

  package let rotary: RotaryEmbedding

  package init(
    configuration: LlamaConfiguration, specialTokens: SpecialTokens, layers: [LlamaLayer],
    embedding: WeightMatrix, finalNorm: [Float], head: WeightMatrix, rotary: RotaryEmbedding
  ) {
    self.configuration = configuration
    self.specialTokens = specialTokens
    self.layers = layers
    self.embedding = embedding
    self.finalNorm = finalNorm
    self.head = head
    self.rotary = rotary
  }
}
