import MeteoRALlama

/// What the gate of one linear module chose for every token of a sequence.
///
/// The same values as `layers.{layer}.{module}.selected` and `.weights` of a trace.
public struct ModuleRouting: Sendable, Equatable {
  /// Index of the decoder layer.
  public let layer: Int
  /// Which of its linear modules.
  public let module: LinearModule
  /// k, adapters that a token takes.
  public let topK: Int
  /// `[tokens, topK]`: indices of adapters, largest gate logit first.
  public private(set) var adapters: [Int32] = []
  /// `[tokens, topK]`, aligned with ``adapters``.
  public private(set) var weights: [Float] = []

  /// No tokens yet.
  package init(layer: Int, module: LinearModule, topK: Int) {
    self.layer = layer
    self.module = module
    self.topK = topK
  }

  /// Tokens that were run.
  public var tokenCount: Int { topK == 0 ? 0 : adapters.count / topK }

  /// The adapters of a token, largest gate logit first, with their weights; none if there is no
  /// such token.
  public func choices(of token: Int) -> [(adapter: Int, weight: Float)] {
    guard (0..<tokenCount).contains(token) else { return [] }
    return (token * topK..<(token + 1) * topK).map { (Int(adapters[$0]), weights[$0]) }
  }

  /// Adds the next token.
  ///
  /// - Parameter choices: ``topK`` of them, largest gate logit first.
  package mutating func append(_ choices: [(adapter: Int, weight: Float)]) {
    for choice in choices {
      adapters.append(Int32(truncatingIfNeeded: choice.adapter))
      weights.append(choice.weight)
    }
  }
}
