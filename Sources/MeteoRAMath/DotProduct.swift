// Nothing in this target is inlinable: a debug build would not recompile the targets that inlined a
// body when only the body changes, and would test stale arithmetic. A call for each chain is not
// measurable; where inner loops need the arithmetic inline (BlockChain.swift), they have their own.

/// The dot product of the arithmetic contract, in its scalar form: the definition that every
/// kernel's sums equal.
///
///     total = +0
///     for each block of 128 consecutive k, ascending, the last one possibly shorter
///       s = +0
///       for k in the block, ascending:  s = fma(a[k], b[k], s)
///       total = total + s
///
/// Every step rounds once to binary32. The result is never −0, and it is +0 for count 0.
public enum DotProduct {
  /// The number of products that one chain of fused multiply-adds sums.
  public static var blockLength: Int { 128 }

  /// The dot product of two contiguous vectors.
  ///
  /// - Parameters:
  ///   - a: At least `count` elements.
  ///   - b: At least `count` elements.
  ///   - count: The number of products, at least 0.
  public static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float
  {
    dot(a, b, stride: 1, count: count)
  }

  /// The dot product of a contiguous vector with a strided one, such as a column of a matrix.
  ///
  /// - Parameters:
  ///   - a: At least `count` elements.
  ///   - b: Elements 0, `stride`, 2 · `stride`, … are used, `count` of them.
  ///   - stride: The distance of neighbouring elements of `b`, in elements.
  ///   - count: The number of products, at least 0.
  public static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, stride: Int, count: Int
  ) -> Float {
    var total: Float = 0
    var start = 0
    while start < count {
      let end = min(start + blockLength, count)
      var sum: Float = 0
      var k = start
      while k < end {
        sum.addProduct(a[k], b[k * stride])
        k += 1
      }
      total += sum
      start = end
    }
    return total
  }

  /// The dot product of two arrays of equal length.
  ///
  /// - Throws: ``DotProductError/unequalLengths(left:right:)``.
  public static func dot(_ a: [Float], _ b: [Float]) throws(DotProductError) -> Float {
    guard a.count == b.count else {
      throw .unequalLengths(left: a.count, right: b.count)
    }
    return a.withUnsafeBufferPointer { left in
      b.withUnsafeBufferPointer { right in
        // An empty array may have no address.
        guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return 0 }
        return dot(leftStart, rightStart, count: left.count)
      }
    }
  }
}

/// A reason why two vectors have no dot product.
public enum DotProductError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The vectors have `left` and `right` elements.
  case unequalLengths(left: Int, right: Int)

  public var description: String {
    switch self {
    case .unequalLengths(let left, let right):
      "dot product: the left vector has \(left) elements, the right one \(right); "
        + "they must have the same number"
    }
  }
}
