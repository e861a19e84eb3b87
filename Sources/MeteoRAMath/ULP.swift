/// Distances between floating-point numbers, counted in representable numbers.
public enum ULP {
  /// The number of steps from one number to the other, each step to the next representable number.
  ///
  /// −0 and +0 are two numbers, one step apart, so that a distance of 0 means equal bits; the
  /// largest finite number and infinity are neighbours. All NaN are one value: the distance between
  /// two NaN is 0, between NaN and a number `UInt64.max`.
  public static func distance(_ a: Float, _ b: Float) -> UInt64 {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : .max }
    return distance(
      UInt64(a.magnitude.bitPattern), a.sign == .minus,
      UInt64(b.magnitude.bitPattern), b.sign == .minus)
  }

  /// The number of steps from one number to the other; see ``distance(_:_:)-(Float,Float)``.
  public static func distance(_ a: Double, _ b: Double) -> UInt64 {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : .max }
    return distance(
      a.magnitude.bitPattern, a.sign == .minus, b.magnitude.bitPattern, b.sign == .minus)
  }

  /// Bit patterns of magnitudes count the numbers above +0, one by one.
  private static func distance(
    _ a: UInt64, _ aIsNegative: Bool, _ b: UInt64, _ bIsNegative: Bool
  ) -> UInt64 {
    aIsNegative == bIsNegative ? max(a, b) - min(a, b) : a + b + 1
  }
}
