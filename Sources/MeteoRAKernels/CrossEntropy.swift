import MeteoRAMath

// Cross-entropy of one row of logits z and the index y that is right:
//
//   m = max z      e[i] = exp(z[i] − m)      D = dot(e, 1)
//   loss  = (m + log D) − z[y]
//   dz[i] = (e[i] / D − (i = y ? 1 : 0)) · scale

/// A row of logits and the index that is right.
package struct LabelledRow: Sendable, Equatable {
  package var row: Int
  package var label: Int

  package init(row: Int, label: Int) {
    self.row = row
    self.label = label
  }
}

/// Replaces rows of logits by the gradients of their cross-entropies.
///
/// - Parameters:
///   - logits: `[rows, width]`; rows without a label stay as they are.
///   - rows: Distinct, with labels below `width`.
///   - scale: The weight of a row in the loss whose gradient this is.
///   - losses: `[rows.count]`, overwritten.
package func crossEntropyGradient(
  _ logits: UnsafeMutablePointer<Float>, width: Int, rows: ArraySlice<LabelledRow>, scale: Float,
  losses: UnsafeMutablePointer<Float>, parallelism: Parallelism
) {
  parallelism.forEachRange(of: rows.count) { range in
    for index in range {
      let row = rows[rows.startIndex + index]
      losses[index] = crossEntropyGradient(
        logits + row.row * width, width: width, label: row.label, scale: scale)
    }
  }
}

private func crossEntropyGradient(
  _ z: UnsafeMutablePointer<Float>, width: Int, label: Int, scale: Float
) -> Float {
  let right = z[label]
  let largest = subtractLargest(z, count: width)
  CorrectlyRounded.exp(inPlace: UnsafeMutableBufferPointer(start: z, count: width))
  let denominator = contractSum(z, count: width)
  let share = z[label] / denominator
  for i in 0..<width { z[i] = z[i] / denominator * scale }
  z[label] = (share - 1) * scale
  return largest + CorrectlyRounded.log(denominator) - right
}

/// Adds losses to their sum, in blocks that begin with the first: so a sum goes on from batch to
/// batch.
package func addLosses(_ losses: UnsafeBufferPointer<Float>, to total: inout Float) {
  guard let start = losses.baseAddress else { return }
  let block = DotProduct.blockLength
  for first in stride(from: 0, to: losses.count, by: block) {
    total += contractSum(start + first, count: min(block, losses.count - first))
  }
}
