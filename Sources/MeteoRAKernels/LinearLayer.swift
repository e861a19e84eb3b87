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
