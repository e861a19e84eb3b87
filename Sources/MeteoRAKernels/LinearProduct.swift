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

/// Computes several linear layers of one input, `y = x · Wᵀ (+ bias)`, in one parallel region.
///
/// - Parameters:
///   - terms: Matrices whose `inFeatures` is the width of `x`.
///   - x: `[rows, inFeatures]`, row-major.
package func multiply(
  _ terms: [LinearTerm], by x: UnsafePointer<Float>, rows: Int, parallelism: Parallelism
) {
  guard let inFeatures = terms.first?.weights.inFeatures else { return }
  let pointers = (0..<rows).map { x + $0 * inFeatures }
  let panelCount = terms.reduce(0) { $0 + $1.weights.panels.count }
  pointers.withUnsafeBufferPointer { pointers in
    guard let rowPointers = pointers.baseAddress else { return }
    parallelism.forEachRange(of: panelCount) { range in
      var firstPanel = 0
      for term in terms {
        let panels = term.weights.panels
        let local = range.clamped(to: firstPanel..<firstPanel + panels.count)
        for index in local {
          let panel = panels[index - firstPanel]
          let y = term.output + panel.firstOutput
          let stride = term.weights.outFeatures
          term.weights.multiply(panel, rows: rowPointers, count: rows, to: y, yStride: stride)
          if let bias = term.bias {
            for row in 0..<rows {
              for output in 0..<panel.outputs {
                y[row * stride + output] += bias[panel.firstOutput + output]
              }
            }
          }
        }
        firstPanel += panels.count
      }
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
