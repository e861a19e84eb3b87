import MeteoRAMath

// Softmax of one row:
//
//   m = max      e[i] = exp(x[i] − m)      D = dot(e, 1), in blocks of 128      p[i] = e[i] / D

/// Replaces `count` elements by their softmax.
func softmax(inPlace row: UnsafeMutablePointer<Float>, count: Int) {
  guard count > 0 else { return }
  subtractLargest(row, count: count)
  CorrectlyRounded.exp(inPlace: UnsafeMutableBufferPointer(start: row, count: count))
  divideBySum(row, count: count)
}

/// `x[i] − m`, one element or more.
func subtractLargest(_ row: UnsafeMutablePointer<Float>, count: Int) {
  var largest = row[0]
  for i in 1..<max(count, 1) where row[i] > largest { largest = row[i] }
  for i in 0..<count { row[i] -= largest }
}

/// `e[i] / D`.
func divideBySum(_ row: UnsafeMutablePointer<Float>, count: Int) {
  let denominator = contractSum(row, count: count)
  for i in 0..<count { row[i] /= denominator }
}

/// The dot product of `values` with ones.
///
/// A product with one is exact, so fma(e, 1, s) is s + e.
func contractSum(_ values: UnsafePointer<Float>, count: Int) -> Float {
  var total: Float = 0
  var first = 0
  while first < count {
    let last = min(first + DotProduct.blockLength, count)
    var sum: Float = 0
    for i in first..<last { sum += values[i] }
    total += sum
    first = last
  }
  return total
}

/// Replaces one row by its softmax, as ``softmax(_:rows:width:parallelism:)`` defines it.
package func softmax(row: inout [Float]) {
  row.withUnsafeMutableBufferPointer { row in
    guard let start = row.baseAddress else { return }
    softmax(inPlace: start, count: row.count)
  }
}

/// The softmax of every row: `m = max`, `e = exp(x − m)`, `D = dot(e, 1)`, `p = e / D`.
///
/// A row that holds NaN or +∞, or nothing but −∞, gives NaN everywhere: +∞ − ∞ is NaN, as is what
/// is divided by a sum that is. Beside a finite element, −∞ gives +0.
///
/// - Parameter x: `[rows, width]`, row-major.
/// - Returns: `[rows, width]`.
/// - Throws: ``KernelError`` if `x` does not hold `rows · width` elements.
public func softmax(
  _ x: [Float], rows: Int, width: Int, parallelism: Parallelism = .serial
) throws(KernelError) -> [Float] {
  try requireElements(x.count, shape: [rows, width], of: "x")
  var y = x
  y.withUnsafeMutableBufferPointer { y in
    // Rows without elements are any number: none is visited.
    guard let output = y.baseAddress, !y.isEmpty else { return }
    parallelism.forEachRange(of: rows) { range in
      for row in range { softmax(inPlace: output + row * width, count: width) }
    }
  }
  return y
}
