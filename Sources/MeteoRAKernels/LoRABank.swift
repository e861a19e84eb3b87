/// One adapter's low-rank update of one linear module: `s · B · (A · x)`.
public struct LoRAAdapter: Sendable {
  /// `[rank, inFeatures]`.
  public let a: WeightMatrix
  /// `[outFeatures, rank]`.
  public let b: WeightMatrix
  /// `s`, see ``scaling(alpha:rank:usesRankStabilization:)``.
  public let scaling: Float

  /// Rows of A, columns of B.
  public var rank: Int { a.outFeatures }

  /// - Throws: ``KernelError/dimensionMismatch(argument:expected:actual:)`` if the columns of `b`
  ///   are not the rows of `a`; ``KernelError/outOfRange(argument:actual:allowed:)`` if there are
  ///   none, or `scaling` is not finite.
  public init(a: WeightMatrix, b: WeightMatrix, scaling: Float) throws(KernelError) {
    guard b.inFeatures == a.outFeatures else {
      throw .dimensionMismatch(
        argument: "columns of lora_B", expected: a.outFeatures, actual: b.inFeatures)
    }
    guard a.outFeatures > 0 else {
      throw .outOfRange(argument: "rank of lora_A", actual: "0", allowed: "1 or more")
    }
    guard scaling.isFinite else {
      throw .outOfRange(argument: "scaling", actual: "\(scaling)", allowed: "finite")
    }
    self.a = a
    self.b = b
    self.scaling = scaling
  }

  /// `alpha / rank`, with rank stabilisation (rsLoRA) `alpha / √rank`, rounded once to binary32.
  ///
  /// - Parameters:
  ///   - alpha: `lora_alpha`.
  ///   - rank: Above 0; 0 gives no finite number, which ``init(a:b:scaling:)`` refuses.
  ///   - usesRankStabilization: `use_rslora`.
  /// - SeeAlso: Hu et al., *LoRA*, arXiv:2106.09685; Kalajdzievski, *rsLoRA*, arXiv:2312.03732.
  public static func scaling(alpha: Double, rank: Int, usesRankStabilization: Bool) -> Float {
    let rank = Double(rank)
    return Float(alpha / (usesRankStabilization ? rank.squareRoot() : rank))
  }
}

/// All adapters of one linear module.
public final class LoRABank: @unchecked Sendable {
  // Unchecked: the parts point into the weights of the adapters, which never change.

  /// By adapter index; `nil` for an adapter that leaves this module alone. Such an adapter may be
  /// selected: it then adds nothing, and its weight goes to no other.
  public let adapters: [LoRAAdapter?]
  public let inFeatures: Int
  public let outFeatures: Int

  /// What sorting terms needs of an adapter. Nothing in it is counted by reference: every token of
  /// every module asks.
  struct Part {
    var rank: Int
    var scaling: Float
    /// The first panel of B.
    var b: WeightBlock
  }

  /// As ``adapters``; all `nil` for a module without outputs.
  let parts: [Part?]
  /// Ranks of ``parts``, the largest first: every module of every pass asks what its terms take.
  let descendingRanks: [Int]

  /// - Throws: ``KernelError/dimensionMismatch(argument:expected:actual:)`` if an adapter does not
  ///   fit a layer `[outFeatures, inFeatures]`;
  ///   ``KernelError/invalidDimension(argument:shape:maximum:)`` if there can be no such layer.
  public init(
    adapters: [LoRAAdapter?], outFeatures: Int, inFeatures: Int
  ) throws(KernelError) {
    _ = try elementCount([outFeatures, inFeatures], of: "layer")
    for (index, adapter) in adapters.enumerated() {
      guard let adapter else { continue }
      guard adapter.a.inFeatures == inFeatures else {
        throw .dimensionMismatch(
          argument: "columns of lora_A of adapter \(index)", expected: inFeatures,
          actual: adapter.a.inFeatures)
      }
      guard adapter.b.outFeatures == outFeatures else {
        throw .dimensionMismatch(
          argument: "rows of lora_B of adapter \(index)", expected: outFeatures,
          actual: adapter.b.outFeatures)
      }
    }
    self.adapters = adapters
    parts = adapters.map { adapter in
      guard let adapter, let b = adapter.b.firstBlock else { return nil }
      return Part(rank: adapter.rank, scaling: adapter.scaling, b: b)
    }
    descendingRanks = parts.compactMap { $0?.rank }.sorted(by: >)
    self.inFeatures = inFeatures
    self.outFeatures = outFeatures
  }
}
