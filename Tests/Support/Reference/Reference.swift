import Foundation

// The operations of a Llama with adapters in binary64, each as its definition reads: no blocks, no
// packed weights, no code in common with the kernels. Gradients are checked against differences of
// these. Everything is row-major; the number of rows follows from the sizes.

/// Operations in binary64.
package enum Reference {
  /// `y[t][o] = Σ_k x[t][k] · W[o][k] (+ bias[o])`, `x` of rows of `width`.
  package static func linear(
    _ x: [Double], width: Int, weight: [Double], bias: [Double]? = nil
  ) -> [Double] {
    let (rows, outputs) = (x.count / width, weight.count / width)
    var y = [Double](repeating: 0, count: rows * outputs)
    for t in 0..<rows {
      for o in 0..<outputs {
        var sum = bias?[o] ?? 0
        for k in 0..<width { sum += x[t * width + k] * weight[o * width + k] }
        y[t * outputs + o] = sum
      }
    }
    return y
  }

  /// Element by element.
  package static func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map(+) }

  /// `w[i] · x[i] / sqrt(mean(x²) + eps)` of every row.
  package static func rmsNorm(_ x: [Double], weight: [Double], epsilon: Double) -> [Double] {
    let width = weight.count
    var y = x
    for row in 0..<x.count / width {
      var sum = 0.0
      for i in 0..<width { sum += x[row * width + i] * x[row * width + i] }
      let root = (sum / Double(width) + epsilon).squareRoot()
      for i in 0..<width { y[row * width + i] = weight[i] * x[row * width + i] / root }
    }
    return y
  }

  /// `g / (1 + exp(−g)) · u`.
  package static func siluMultiply(gate: [Double], up: [Double]) -> [Double] {
    zip(gate, up).map { g, u in g / (1 + exp(-g)) * u }
  }

  /// Turns element i of every head, and the one half a head behind, by an angle.
  ///
  /// - Parameters:
  ///   - x: `[rows, heads, 2 · half]`.
  ///   - angles: `[rows, half]`.
  package static func rotate(_ x: [Double], heads: Int, angles: [Double], half: Int) -> [Double] {
    var y = x
    for row in 0..<angles.count / half {
      for head in 0..<heads {
        let first = (row * heads + head) * 2 * half
        for i in 0..<half {
          let (a, b, angle) = (x[first + i], x[first + half + i], angles[row * half + i])
          y[first + i] = a * cos(angle) - b * sin(angle)
          y[first + half + i] = a * sin(angle) + b * cos(angle)
        }
      }
    }
    return y
  }

  /// Softmax of the scores of the positions up to one's own, in every sequence.
  ///
  /// - Parameters:
  ///   - q: `[rows, heads, dimension]`.
  ///   - k: `[rows, keyValueHeads, dimension]`, as `v`.
  ///   - sequences: Rows of each.
  package static func attention(
    q: [Double], k: [Double], v: [Double], sequences: [Range<Int>], heads: Int,
    keyValueHeads: Int, dimension: Int
  ) -> [Double] {
    var y = [Double](repeating: 0, count: q.count)
    for rows in sequences {
      for row in rows {
        for head in 0..<heads {
          let query = (row * heads + head) * dimension
          let own = head / (heads / keyValueHeads)
          func place(_ seen: Int) -> Int { (seen * keyValueHeads + own) * dimension }
          var shares: [Double] = []
          for seen in rows.lowerBound...row {
            var score = 0.0
            for i in 0..<dimension { score += q[query + i] * k[place(seen) + i] }
            shares.append(exp(score / Double(dimension).squareRoot()))
          }
          let sum = shares.reduce(0, +)
          for (index, share) in shares.enumerated() {
            let value = place(rows.lowerBound + index)
            for i in 0..<dimension { y[query + i] += share / sum * v[value + i] }
          }
        }
      }
    }
    return y
  }

  /// `log Σ exp(z) − z[label]` of rows of `width` that have a label.
  package static func crossEntropy(
    _ z: [Double], width: Int, labels: [(row: Int, label: Int)]
  ) -> [Double] {
    labels.map { row, label in
      let logits = z[row * width..<(row + 1) * width]
      return log(logits.reduce(0) { $0 + exp($1) }) - z[row * width + label]
    }
  }
}
