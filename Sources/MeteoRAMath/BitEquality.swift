/// The equality of the arithmetic contract: same bits, except that NaN equals NaN whatever its
/// payload and sign. So +0 and −0 differ.
public enum BitEquality {
  /// Whether two numbers are equal in the sense of the contract.
  public static func equal(_ a: Float, _ b: Float) -> Bool {
    a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
  }

  /// The index of the first element that differs; the shorter length, if one buffer is the
  /// beginning of the other; `nil` if the two are equal.
  public static func firstDifference(
    _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
  ) -> Int? {
    let common = min(a.count, b.count)
    for index in 0..<common where !equal(a[index], b[index]) { return index }
    return a.count == b.count ? nil : common
  }

  /// The index of the first element that differs: see
  /// ``firstDifference(_:_:)-(UnsafeBufferPointer<Float>,_)``.
  public static func firstDifference(_ a: [Float], _ b: [Float]) -> Int? {
    a.withUnsafeBufferPointer { left in
      b.withUnsafeBufferPointer { right in firstDifference(left, right) }
    }
  }
}
