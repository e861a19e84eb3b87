import Foundation

/// A LoRA-MoE layer and its tokens.
struct LoRACase {
  /// How the adapters are chosen.
  enum Pattern: String {
    /// All equally likely.
    case uniform
    /// Adapter j with a weight of (j + 1)^−1.5.
    case skewed
    /// The first ones always.
    case single
  }

  var inFeatures = 4096
  var outFeatures = 4096
  var adapters = 28
  var rank = 8
  var topK = 2
  var pattern = Pattern.uniform
  var tokens = 1

  static let tokenCounts = [1, 16, 64, 256, 1024]

  /// The layer of the paper, and what is timed beside it: one thing changed at a time.
  static let layers: [LoRACase] = [
    LoRACase(), LoRACase(outFeatures: 14336), LoRACase(inFeatures: 14336),
    LoRACase(rank: 4), LoRACase(rank: 16), LoRACase(rank: 64), LoRACase(topK: 1),
    LoRACase(adapters: 3), LoRACase(adapters: 128),
    LoRACase(pattern: .skewed), LoRACase(pattern: .single),
  ]

  /// What the names of its cases begin with.
  var group: String {
    "lora_moe/\(inFeatures)x\(outFeatures)/a\(adapters)r\(rank)k\(topK)/\(pattern.rawValue)/"
  }

  var name: String { "\(group)\(tokens)" }

  /// Whether it is the layer that all kernels are timed with.
  var isFirst: Bool { group == Self.layers[0].group }

  /// How much each token wants each adapter, `[tokens, adapters]`: its k largest are drawn without
  /// replacement, each in proportion to its weight (Gumbel's trick).
  func preferences() -> [Float] {
    let noise = PseudoRandom.values(tokens * adapters, seed: 4)
    return noise.enumerated().map { index, noise in
      let adapter = index % adapters
      let gumbel = -log(-log(min(max(noise + 0.5, 1e-6), 1 - 1e-6)))
      return switch pattern {
      case .uniform: gumbel
      case .skewed: gumbel - 1.5 * log(Float(adapter + 1))
      case .single: Float(-adapter)
      }
    }
  }

  /// Gate, two products per chosen adapter, and the addition: the operations of every token; the
  /// bytes of the gate, of each adapter that some token chose, of x, and of y twice.
  func work(distinctAdapters: Int) -> Work {
    let width = inFeatures + outFeatures
    let flops = tokens * (2 * adapters * inFeatures + 2 * topK * rank * width)
    let elements =
      adapters * inFeatures + distinctAdapters * rank * width
      + tokens * (inFeatures + 2 * outFeatures)
    return Work(flops: Double(flops), bytes: Double(4 * elements))
  }
}
