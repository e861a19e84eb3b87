import MeteoRAMath

/// One weight matrix of a group that shares an input, and where its output goes.
package struct LinearTerm {
  package var weights: WeightMatrix
  /// `[outFeatures]`, added to the finished product once.
  package var bias: [Float]?
  /// `[rows, outFeatures]`, overwritten.
  package var output: UnsafeMutablePointer<Float>

  package init(
    _ weights: WeightMatrix, bias: [Float]? = nil, to output: UnsafeMutablePointer<Float>
  ) {
    self.weights = weights
    self.bias = bias
    self.output = output
  }
}

/// Computes several linear layers of one input, `y = x · Wᵀ (+ bias)`.
///
/// - Parameters:
///   - terms: Matrices whose `inFeatures` is the width of `x`.
///   - x: `[rows, inFeatures]`, row-major.
package func multiply(
  _ terms: [LinearTerm], by x: UnsafePointer<Float>, rows: Int, parallelism: Parallelism
) {
  guard let inFeatures = terms.first?.weights.inFeatures, rows > 0 else { return }
  if rows <= 8 {
    let pointers = (0..<rows).map { x + $0 * inFeatures }
    multiply(terms, by: pointers, parallelism: parallelism)
    return
  }
  // Copies of up to 8 MiB, which the third-level cache holds.
  let most = max((8 << 20) / (inFeatures * MemoryLayout<Float>.size + 1), 64) / 8 * 8
  let tiles = (rows + most - 1) / most
  let tile = (rows + tiles * 8 - 1) / (tiles * 8) * 8
  for first in stride(from: 0, to: rows, by: tile) {
    let count = min(tile, rows - first)
    let input = InterleavedInput(
      x + first * inFeatures, rows: count, width: inFeatures, parallelism: parallelism)
    multiply(terms, by: input, firstRow: first, parallelism: parallelism)
  }
}

/// Multiplies in one parallel region, panels of all terms dealt out together.
private func multiply(
  _ terms: [LinearTerm], by rows: [UnsafePointer<Float>], parallelism: Parallelism
) {
  rows.withUnsafeBufferPointer { rows in
    guard let rowPointers = rows.baseAddress else { return }
    forEachPanel(of: terms, parallelism: parallelism) { term, panels in
      guard let first = panels.first, let last = panels.last else { return }
      let stride = term.weights.outFeatures
      let y = term.output + first.firstOutput
      term.weights.multiply(panels, rows: rowPointers, count: rows.count, to: y, yStride: stride)
      guard let bias = term.bias else { return }
      for row in 0..<rows.count {
        for output in first.firstOutput..<last.firstOutput + last.outputs {
          term.output[row * stride + output] += bias[output]
        }
      }
    }
  }
}

/// As above, for a tile of rows.
private func multiply(
  _ terms: [LinearTerm], by input: InterleavedInput, firstRow: Int, parallelism: Parallelism
) {
  forEachPanel(of: terms, parallelism: parallelism) { term, panels in
    withUnsafeTemporaryAllocation(
      byteCount: input.paddedRows * PanelWidth.wide.rawValue * MemoryLayout<Float>.size,
      alignment: 64
    ) { tile in
      guard let totals = tile.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
      for panel in panels {
        term.weights.multiply(panel, input, to: totals)
        let width = panel.width.rawValue
        if let bias = term.bias {
          for row in 0..<input.rows {
            for output in 0..<panel.outputs {
              totals[row * width + output] += bias[panel.firstOutput + output]
            }
          }
        }
        let y = term.output + firstRow * term.weights.outFeatures + panel.firstOutput
        for row in 0..<input.rows {
          (y + row * term.weights.outFeatures).update(
            from: totals + row * width, count: panel.outputs)
        }
      }
    }
  }
}

/// Calls `body` with the panels of each term, split over the threads.
private func forEachPanel(
  of terms: [LinearTerm], parallelism: Parallelism,
  _ body: (LinearTerm, ArraySlice<WeightMatrix.Panel>) -> Void
) {
  let panelCount = terms.reduce(0) { $0 + $1.weights.panels.count }
  parallelism.forEachRange(of: panelCount) { range in
    var firstPanel = 0
    for term in terms {
      let panels = term.weights.panels
      let local = range.clamped(to: firstPanel..<firstPanel + panels.count)
      if !local.isEmpty {
        body(term, panels[local.lowerBound - firstPanel..<local.upperBound - firstPanel])
      }
      firstPanel += panels.count
    }
  }
}

/// A linear layer: every output the dot product of the arithmetic contract, plus the bias in one
/// addition.
///
///     y[t][o] = dot(x[t], W[o]) + bias[o]
///
/// - Parameters:
///   - x: Input, `[rows, inFeatures]`, row-major.
///   - bias: `[outFeatures]`; `nil` adds nothing.
/// - Returns: `[rows, outFeatures]`, row-major.
/// - Throws: ``KernelError`` if an argument does not have the size that its shape asks for, or the
///   result would have more than 2³¹ elements.
public func linear(
  _ x: [Float], rows: Int, weights: WeightMatrix, bias: [Float]? = nil,
  parallelism: Parallelism = .serial
) throws(KernelError) -> [Float] {
  try requireElements(x.count, shape: [rows, weights.inFeatures], of: "x")
  if let bias { try requireElements(bias.count, shape: [weights.outFeatures], of: "bias") }
  // Without inputs no element of x backs the rows, without outputs none of y.
  let count = try outputCount([rows, weights.outFeatures], of: "y")
  if count == 0 { return [] }
  return [Float](unsafeUninitializedCapacity: count) { y, initialized in
    guard let output = y.baseAddress else { return }
    x.withUnsafeBufferPointer { x in
      // K = 0 leaves no element to point at; the products then read none.
      let input = x.baseAddress ?? UnsafePointer(output)
      multiply(
        [LinearTerm(weights, bias: bias, to: output)], by: input, rows: rows,
        parallelism: parallelism)
    }
    initialized = count
  }
}
