import MeteoRAMath

// RMSNorm, every row on its own:
//
//   ss = dot(x, x)      r = 1 / sqrt(ss / H + eps)      y[i] = w[i] · (x[i] · r)

/// Normalises rows by their root mean square.
///
/// - Parameters:
///   - x: `[rows, weight.count]`.
///   - y: As `x`; may be the same memory.
package func rmsNorm(
  _ x: UnsafePointer<Float>, rows: Int, weight: [Float], epsilon: Float,
  to y: UnsafeMutablePointer<Float>, parallelism: Parallelism
) {
  let width = weight.count
  weight.withUnsafeBufferPointer { weight in
    parallelism.forEachRange(of: rows) { range in
      for row in range {
        let input = x + row * width
        let output = y + row * width
        let squares = DotProduct.dot(input, input, count: width)
        let reciprocal = 1 / (squares / Float(width) + epsilon).squareRoot()
        for i in 0..<width { output[i] = weight[i] * (input[i] * reciprocal) }
      }
    }
  }
}

/// Normalises rows by their root mean square: `r = 1 / sqrt(dot(x, x) / H + eps)`,
/// `y = w · (x · r)`, every step rounded.
///
/// A row whose sum of squares is NaN or +∞ gives what these formulas give: NaN, or zeros and, where
/// the element itself is infinite, NaN.
///
/// - Parameters:
///   - x: `[rows, weight.count]`, row-major.
///   - weight: `[H]`.
///   - epsilon: Added to the mean of the squares.
/// - Returns: `[rows, H]`.
/// - Throws: ``KernelError`` if `x` is not `rows` rows of `weight.count`.
/// - SeeAlso: Zhang and Sennrich, *Root Mean Square Layer Normalization*, arXiv:1910.07467.
public func rmsNorm(
  _ x: [Float], rows: Int, weight: [Float], epsilon: Float, parallelism: Parallelism = .serial
) throws(KernelError) -> [Float] {
  try requireElements(x.count, shape: [rows, weight.count], of: "x")
  var y = x
  y.withUnsafeMutableBufferPointer { y in
    // Rows without elements are any number: none is visited.
    guard let output = y.baseAddress, !y.isEmpty else { return }
    rmsNorm(
      UnsafePointer(output), rows: rows, weight: weight, epsilon: epsilon, to: output,
      parallelism: parallelism)
  }
  return y
}
