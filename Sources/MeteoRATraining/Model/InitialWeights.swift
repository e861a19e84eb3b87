import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath

// Weights to begin with are numbers of Philox, by the seed and the name of the tensor: a tensor
// begins the same, whatever else is trained.
//
//   w       the four words of counter (b mod 2³², b / 2³², FNV-1a of the name, 4), key: the seed;
//           elements 4b … 4b + 3, row-major
//   uniform u = (w[j] >> 8) · 2⁻²⁴                  x = bound · (2 · u − 1)
//   normal  of w[0], w[1] and of w[2], w[3]:  r = sqrt(−2 · log(((w >> 8) + 1) · 2⁻²⁴))
//           a = 2π · u of the second word          x = (std · (r · cos a), std · (r · sin a))

/// Random numbers for weights that nothing was learnt for yet, binary32, every step rounded.
package struct InitialWeights: Sendable {
  private let key: SIMD2<UInt32>

  /// The fourth word of the counter: other numbers of the seed have others.
  private static let purpose: UInt32 = 4

  package init(seed: UInt64) {
    key = [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)]
  }

  /// Numbers from −`bound` up to `bound`.
  package func uniform(_ name: String, count: Int, bound: Float) -> [Float] {
    numbers(name, count) { words in
      (0..<4).map { bound * (2 * Self.fraction(words[$0]) - 1) }
    }
  }

  /// Numbers of a normal distribution with mean 0, by the method of Box and Muller.
  package func normal(_ name: String, count: Int, deviation: Float) -> [Float] {
    numbers(name, count) { words in
      [0, 2].flatMap { first in
        let logarithm = CorrectlyRounded.log(Float((words[first] >> 8) + 1) * 0x1p-24)
        let radius = (-2 * logarithm).squareRoot()
        let angle = Float(2 * Double.pi) * Self.fraction(words[first + 1])
        return [
          deviation * (radius * CorrectlyRounded.cos(angle)),
          deviation * (radius * CorrectlyRounded.sin(angle)),
        ]
      }
    }
  }

  private static func fraction(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }

  private func numbers(
    _ name: String, _ count: Int, of words: (SIMD4<UInt32>) -> [Float]
  ) -> [Float] {
    let hash = name.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    var numbers: [Float] = []
    numbers.reserveCapacity(count + 3)
    var block: UInt64 = 0
    while numbers.count < count {
      let counter: SIMD4<UInt32> = [
        UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), hash,
        Self.purpose,
      ]
      numbers += words(Philox.words(counter: counter, key: key))
      block += 1
    }
    return Array(numbers.prefix(count))
  }
}

extension PEFTAdapter {
  /// An adapter that changes nothing yet: A is uniform up to 1 / √inputs, as in PEFT, and B zero.
  package init(
    beginning name: String, configuration: LoRAConfiguration, base: LlamaConfiguration,
    seed: UInt64
  ) throws {
    let weights = InitialWeights(seed: seed)
    var updates: [[LoRAAdapter?]] = []
    for (layer, modules) in try configuration.updates(layerCount: base.layerCount).enumerated() {
      updates.append(
        try zip(LinearModule.allCases, modules).map { module, update in
          guard let update else { return nil }
          let shape = base.shape(of: module)
          let a = weights.uniform(
            Self.key(module, layer: layer, "lora_A"), count: update.rank * shape.inFeatures,
            bound: 1 / Float(shape.inFeatures).squareRoot())
          let b = [Float](repeating: 0, count: shape.outFeatures * update.rank)
          return try LoRAAdapter(
            a: WeightMatrix(a, outFeatures: update.rank, inFeatures: shape.inFeatures),
            b: WeightMatrix(b, outFeatures: shape.outFeatures, inFeatures: update.rank),
            scaling: update.scaling)
        })
    }
    self.init(name: name, configuration: configuration, updates: updates)
  }
}
