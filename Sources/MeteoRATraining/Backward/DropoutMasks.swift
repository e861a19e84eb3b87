import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath

// The masks of LoRA dropout are a function of seed, step, row, module, adapter and element: nothing
// has to be kept for the backward pass, or to go on later.
//
//   key of a step   words 0 and 1 of Philox, counter (step mod 2³², step / 2³², 0, 3), key: the seed
//   element k       sixteen bits of Philox, counter (k / 8, row, layer · 7 + module, adapter), that key:
//                   of word (k mod 8) / 2 the lower half if k is even, else the upper
//   mask[k]         0 if they are below round(p · 65536), else 1 / (1 − p)

/// The masks of one optimiser step.
package struct DropoutMasks: Sendable {
  private let key: SIMD2<UInt32>
  private let threshold: UInt32
  private let kept: Float

  /// The fourth word of the counter of a step's key: other numbers of the seed have others.
  private static let purpose: UInt32 = 3

  /// - Parameters:
  ///   - probability: p, at least 0 and below 1; rounded to binary32 first.
  ///   - step: Counted from 0.
  package init(probability: Float, seed: UInt64, step: Int) {
    let step = UInt64(step)
    let words = Philox.words(
      counter: [
        UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: step >> 32), 0, Self.purpose,
      ], key: [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)])
    key = [words[0], words[1]]
    threshold = UInt32((Double(probability) * 65536).rounded())
    kept = 1 / (1 - probability)
  }

  /// The masks of a module.
  ///
  /// - Parameter firstRow: The number of rows that the step had before this batch.
  func masks(of module: LinearModule, layer: Int, firstRow: Int) -> LoRADropout {
    let site = UInt32(layer * LinearModule.allCases.count + module.index)
    return LoRADropout { row, adapter, columns, target in
      let counter: SIMD4<UInt32> = [0, UInt32(firstRow + row), site, UInt32(adapter)]
      fill(columns, counter, target)
    }
  }

  private func fill(
    _ columns: Range<Int>, _ counter: SIMD4<UInt32>, _ target: UnsafeMutablePointer<Float>
  ) {
    var counter = counter
    for eight in columns.lowerBound / 8...max(columns.upperBound - 1, columns.lowerBound) / 8 {
      counter[0] = UInt32(eight)
      let words = Philox.words(counter: counter, key: key)
      for column in (8 * eight..<8 * eight + 8).clamped(to: columns) {
        let word = words[column % 8 / 2]
        let bits = column % 2 == 0 ? word & 0xFFFF : word >> 16
        target[column - columns.lowerBound] = bits < threshold ? 0 : kept
      }
    }
  }
}
