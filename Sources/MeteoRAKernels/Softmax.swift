import MeteoRAMath

// Softmax of one row:
//
//   m = max      e[i] = exp(x[i] − m)      D = dot(e, 1), in blocks of 128      p[i] = e[i] / D

/// Replaces `count` elements, multiplied by `factor` first, by their softmax.
func softmax(
  inPlace row: UnsafeMutablePointer<Float>, count: Int, scaledBy factor: Float = 1
) {
  guard count > 0 else { return }
  subtractLargest(row, count: count, scaledBy: factor)
  CorrectlyRounded.exp(inPlace: UnsafeMutableBufferPointer(start: row, count: count))
  divideBySum(row, count: count)
}

/// `x[i] · factor − m`, m the largest `x[i] · factor`, which is returned.
@discardableResult
func subtractLargest(
  _ row: UnsafeMutablePointer<Float>, count: Int, scaledBy factor: Float = 1
) -> Float {
  let largest = scale(row, count: count, by: factor)
  for i in 0..<count { row[i] -= largest }
  return largest
}

/// `x[i] · factor`; returns the largest, or −∞ if there is none but NaN.
private func scale(
  _ row: UnsafeMutablePointer<Float>, count: Int, by factor: Float
) -> Float {
  typealias Lanes = SIMD16<Float>
  var lanes = Lanes(repeating: -.infinity)
  var i = 0
  while i &+ Lanes.scalarCount <= count {
    let address = UnsafeMutableRawPointer(row + i)
    let scaled = address.loadUnaligned(as: Lanes.self) * factor
    lanes.replace(with: scaled, where: scaled .> lanes)
    address.storeBytes(of: scaled, as: Lanes.self)
    i &+= Lanes.scalarCount
  }
  var largest = -Float.infinity
  for lane in 0..<Lanes.scalarCount where lanes[lane] > largest { largest = lanes[lane] }
  while i < count {
    row[i] *= factor
    if row[i] > largest { largest = row[i] }
    i &+= 1
  }
  return largest
}

/// `e[i] / D`.
func divideBySum(_ row: UnsafeMutablePointer<Float>, count: Int) {
  let denominator = contractSum(row, count: count)
  for i in 0..<count { row[i] /= denominator }
}

/// The dot product of `values` with ones.
///
/// A product with one is exact, so fma(e, 1, s) is s + e. Eight blocks at a time: the chains are
/// independent, and one alone would wait for every addition.
package func contractSum(_ values: UnsafePointer<Float>, count: Int) -> Float {
  let length = DotProduct.blockLength
  var total: Float = 0
  var first = 0
  while first &+ 8 &* length <= count {
    let x = values + first
    var (a, b, c, d): (Float, Float, Float, Float) = (0, 0, 0, 0)
    var (e, f, g, h): (Float, Float, Float, Float) = (0, 0, 0, 0)
    var i = 0
    while i < length {
      a += x[i]
      b += x[i &+ length]
      c += x[i &+ 2 &* length]
      d += x[i &+ 3 &* length]
      e += x[i &+ 4 &* length]
      f += x[i &+ 5 &* length]
      g += x[i &+ 6 &* length]
      h += x[i &+ 7 &* length]
      i &+= 1
    }
    for sum in [a, b, c, d, e, f, g, h] { total += sum }
    first &+= 8 &* length
  }
  while first < count {
    let last = min(first + length, count)
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
