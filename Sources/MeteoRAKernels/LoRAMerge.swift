// Merge: a LoRA update added to the base weights once and for all.
//
//   W [out, in]   A [r, in]   B [out, r]   s
//   W'[o,i] = W[o,i] + s · dot(B[o], A[:,i])
//
// The dot product is that of the arithmetic contract, over the rank; the product with s and the sum
// are rounded one after the other, unfused, in binary32. A stored W is widened exactly.
//
// x · W' sums over `in` what B · (A · x) sums over `in` and then over `r`: the two are equal in
// real numbers and differ by rounding, however the merge is computed.

/// One adapter's update of one linear module, to be added to the module's weights.
public struct LoRAMerge: Sendable {
  /// Aᵀ, `[in, r]`: its columns are what the rows of B are multiplied with.
  private let transposedA: WeightMatrix
  private let b: WeightMatrix
  private let scaling: Float

  /// Rows of the weights that the update fits.
  public var outFeatures: Int { b.outFeatures }
  /// Columns of the weights that the update fits.
  public var inFeatures: Int { transposedA.outFeatures }

  /// - Throws: ``KernelError`` if A cannot be laid out anew.
  public init(_ adapter: LoRAAdapter) throws(KernelError) {
    let (rank, width) = (adapter.rank, adapter.a.inFeatures)
    var transposed = [Float](repeating: 0, count: rank * width)
    var row = [Float](repeating: 0, count: width)
    for r in 0..<rank {
      row.withUnsafeMutableBufferPointer { row in
        if let start = row.baseAddress { adapter.a.copyRow(r, to: start) }
      }
      for i in 0..<width { transposed[i * rank + r] = row[i] }
    }
    transposedA = try WeightMatrix(transposed, outFeatures: width, inFeatures: rank)
    b = adapter.b
    scaling = adapter.scaling
  }

  /// Adds the update to rows of the base weights.
  ///
  ///     values[o − first][i] += s · dot(B[o], A[:,i])
  ///
  /// - Parameters:
  ///   - rows: Rows of the weights, below ``outFeatures``.
  ///   - values: Those rows, `[rows.count, inFeatures]`, row-major, widened.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Throws: ``KernelError`` if a size does not fit; `values` is unchanged then.
  public func add(
    toRows rows: Range<Int>, of values: inout [Float], parallelism: Parallelism = .serial
  ) throws(KernelError) {
    guard rows.lowerBound >= 0, rows.upperBound <= outFeatures else {
      throw .outOfRange(
        argument: "rows of the weights", actual: "\(rows)", allowed: "0..<\(outFeatures)")
    }
    try requireElements(values.count, shape: [rows.count, inFeatures], of: "rows of the weights")
    // Rows without elements may be any number.
    if values.isEmpty { return }
    let rank = b.inFeatures
    var factors = [Float](repeating: 0, count: rows.count * rank)
    factors.withUnsafeMutableBufferPointer { factors in
      guard let start = factors.baseAddress else { return }
      for (place, row) in rows.enumerated() { b.copyRow(row, to: start + place * rank) }
    }
    let products = try linear(
      factors, rows: rows.count, weights: transposedA, parallelism: parallelism)
    for index in values.indices { values[index] += scaling * products[index] }
  }

  /// Rows that are merged at a time: their products take at most 1 MiB, unless one row takes more.
  package var rowsAtATime: Int { max((1 << 18) / max(inFeatures, 1), 1) }

  /// The base weights with the update, in binary32.
  ///
  /// - Parameters:
  ///   - weights: `[outFeatures, inFeatures]`, of any format; they stay as they are.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Throws: ``KernelError/dimensionMismatch(argument:expected:actual:)`` if the shapes differ.
  public func merged(
    into weights: WeightMatrix, parallelism: Parallelism = .serial
  ) throws(KernelError) -> WeightMatrix {
    let sizes = [
      ("rows of the weights", outFeatures, weights.outFeatures),
      ("columns of the weights", inFeatures, weights.inFeatures),
    ]
    for (argument, expected, actual) in sizes where expected != actual {
      throw .dimensionMismatch(argument: argument, expected: expected, actual: actual)
    }
    var merged: [Float] = []
    merged.reserveCapacity(outFeatures * inFeatures)
    let isEmpty = outFeatures == 0 || inFeatures == 0
    for first in stride(from: 0, to: isEmpty ? 0 : outFeatures, by: rowsAtATime) {
      let rows = first..<min(first + rowsAtATime, outFeatures)
      var values = [Float](repeating: 0, count: rows.count * inFeatures)
      values.withUnsafeMutableBufferPointer { values in
        guard let start = values.baseAddress else { return }
        for (place, row) in rows.enumerated() {
          weights.copyRow(row, to: start + place * inFeatures)
        }
      }
      try add(toRows: rows, of: &values, parallelism: parallelism)
      merged += values
    }
    return try WeightMatrix(merged, outFeatures: outFeatures, inFeatures: inFeatures)
  }
}
