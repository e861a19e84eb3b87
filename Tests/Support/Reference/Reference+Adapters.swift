import Foundation

extension Reference {
  /// The low-rank update of one adapter.
  package struct Adapter: Sendable {
    /// `[rank, inputs]`.
    package var a: [Double]
    /// `[outputs, rank]`.
    package var b: [Double]
    package var scaling: Double
    /// `[rows, inputs]`, what the input is multiplied by first; `nil` for ones.
    package var mask: [Double]?

    package init(a: [Double], b: [Double], scaling: Double, mask: [Double]? = nil) {
      self.a = a
      self.b = b
      self.scaling = scaling
      self.mask = mask
    }
  }

  /// The adapters of every row with the `topK` largest logits, and the softmax of these over T.
  ///
  /// - Parameter logits: Rows of `width`.
  package static func selections(
    _ logits: [Double], width: Int, topK: Int, temperature: Double
  ) -> [[(adapter: Int, weight: Double)]] {
    stride(from: 0, to: logits.count, by: width).map { first in
      let chosen = logits[first..<first + width].enumerated().sorted { $0.element > $1.element }
        .prefix(topK)
      let numerators = chosen.map { exp($0.element / temperature) }
      let sum = numerators.reduce(0, +)
      return zip(chosen, numerators).map { ($0.offset, $1 / sum) }
    }
  }

  /// The smallest distance between a logit that is selected and one that is not; +∞ if all are.
  ///
  /// - Parameter logits: Rows of `width`.
  package static func selectionGap(_ logits: [Double], width: Int, topK: Int) -> Double {
    if topK >= width { return .infinity }
    return stride(from: 0, to: logits.count, by: width).reduce(.infinity) { gap, first in
      let sorted = logits[first..<first + width].sorted(by: >)
      return min(gap, sorted[topK - 1] - sorted[topK])
    }
  }

  /// `y[t] += Σ w · s · B · A · (mask ∘ x[t])` over the adapters that a row selects.
  ///
  /// - Parameters:
  ///   - x: Rows of `width`.
  ///   - selections: By row.
  ///   - adapters: `nil` for one that adds nothing.
  package static func addUpdates(
    _ x: [Double], width: Int, selections: [[(adapter: Int, weight: Double)]],
    adapters: [Adapter?], to y: inout [Double]
  ) {
    let outputs = y.count / selections.count
    for (row, selection) in selections.enumerated() {
      for (index, weight) in selection {
        guard let adapter = adapters[index] else { continue }
        var input = Array(x[row * width..<(row + 1) * width])
        if let mask = adapter.mask {
          for k in 0..<width { input[k] *= mask[row * width + k] }
        }
        let z = linear(input, width: width, weight: adapter.a)
        let update = linear(z, width: z.count, weight: adapter.b)
        for o in 0..<outputs { y[row * outputs + o] += weight * adapter.scaling * update[o] }
      }
    }
  }
}
