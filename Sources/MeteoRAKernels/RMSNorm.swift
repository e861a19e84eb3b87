import MeteoRAMath

// RMSNorm, every row on its own:
//
//   ss = dot(x, x)      r = 1 / sqrt(ss / H + eps)      y[i] = w[i] · (x[i] · r)
//
// A chain of fma waits four cycles for each element. Blocks of a dot product are chains of their
// own, so four of them run side by side; their sums are added in order.

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
        let reciprocal = reciprocalOfRoot(input, count: width, epsilon: epsilon)
        for i in 0..<width { output[i] = weight[i] * (input[i] * reciprocal) }
      }
    }
  }
}

/// `1 / sqrt(dot(x, x) / H + eps)` of a row.
func reciprocalOfRoot(_ x: UnsafePointer<Float>, count: Int, epsilon: Float) -> Float {
  1 / (sumOfProducts(x, x, count: count) / Float(count) + epsilon).squareRoot()
}

/// `dot(x, y)`, four blocks side by side.
package func sumOfProducts(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int)
  -> Float
{
  let block = DotProduct.blockLength
  var total: Float = 0
  var first = 0
  while first &+ 4 &* block <= count {
    var sums: (Float, Float, Float, Float) = (0, 0, 0, 0)
    let (x, y) = (x + first, y + first)
    for k in 0..<block {
      sums.0.addProduct(x[k], y[k])
      sums.1.addProduct(x[k &+ block], y[k &+ block])
      sums.2.addProduct(x[k &+ 2 &* block], y[k &+ 2 &* block])
      sums.3.addProduct(x[k &+ 3 &* block], y[k &+ 3 &* block])
    }
    total += sums.0
    total += sums.1
    total += sums.2
    total += sums.3
    first &+= 4 &* block
  }
  while first < count {
    let length = min(block, count - first)
    total += DotProduct.dot(x + first, y + first, count: length)
    first &+= length
  }
  return total
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
