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
  guard let inFeatures = terms.first?.weights.inFeatures else { return }
  if rows < BlockedInput.fewestRows {
    let pointers = (0..<rows).map { x + $0 * inFeatures }
    multiply(terms, by: pointers, blockStride: DotProduct.blockLength, parallelism: parallelism)
  } else {
    let input = BlockedInput(x, rows: rows, width: inFeatures, parallelism: parallelism)
    multiply(terms, by: input.rows, blockStride: input.blockStride, parallelism: parallelism)
    withExtendedLifetime(input) {}
  }
}

/// Multiplies in one parallel region, panels of all terms dealt out together.
private func multiply(
  _ terms: [LinearTerm], by rows: [UnsafePointer<Float>], blockStride: Int,
  parallelism: Parallelism
) {
  let panelCount = terms.reduce(0) { $0 + $1.weights.panels.count }
  rows.withUnsafeBufferPointer { rows in
    guard let rowPointers = rows.baseAddress else { return }
    parallelism.forEachRange(of: panelCount) { range in
      var firstPanel = 0
      for term in terms {
        let panels = term.weights.panels
        let local = range.clamped(to: firstPanel..<firstPanel + panels.count)
        for index in local {
          let panel = panels[index - firstPanel]
          let y = term.output + panel.firstOutput
          let stride = term.weights.outFeatures
          term.weights.multiply(
            panel, rows: rowPointers, count: rows.count, blockStride: blockStride, to: y,
            yStride: stride)
          if let bias = term.bias {
            for row in 0..<rows.count {
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

/// A copy of an input in which the rows of a block of 128 k stand one behind the other:
///
///     [row 0: k 0…127] [row 1: k 0…127] …  [row 0: k 128…255] [row 1: k 128…255] …
///
/// Every panel of weights reads such a block from the first row to the last. In the input itself the
/// rows are often a power of two apart, and drive each other out of the caches.
private struct BlockedInput {
  /// Fewer are not worth the copy.
  static let fewestRows = 16

  private let memory: AlignedMemory
  /// Where the rows begin.
  let rows: [UnsafePointer<Float>]
  /// Elements from a block of a row to the next.
  let blockStride: Int

  init(_ x: UnsafePointer<Float>, rows count: Int, width: Int, parallelism: Parallelism) {
    let block = DotProduct.blockLength
    let blocks = (width + block - 1) / block
    let stride = count * block
    let memory = AlignedMemory(byteCount: blocks * stride * MemoryLayout<Float>.size)
    let start = memory.address.assumingMemoryBound(to: Float.self)
    parallelism.forEachRange(of: count) { range in
      for row in range {
        for index in 0..<blocks {
          let first = index * block
          (start + index * stride + row * block).initialize(
            from: x + row * width + first, count: min(block, width - first))
        }
      }
    }
    self.memory = memory
    rows = (0..<count).map { UnsafePointer(start + $0 * block) }
    blockStride = stride
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
