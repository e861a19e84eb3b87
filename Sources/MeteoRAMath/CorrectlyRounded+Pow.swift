// pow: xʸ = 2^(y · ln x · log2 e), from the approximations of log and exp.
//
// Error bound for |y · log2 x| ≤ 152, u = 2⁻⁵³: ln x is off by 2⁻⁵⁰, the two products and the
// constant by 2.5u, together < 2⁻⁴⁹·³ of an exponent of at most 152, times ln 2: < 2⁻⁴²·⁵;
// `powerOfTwo` adds 2⁻⁴⁵·⁶. The bound taken is 2⁻⁴².
//
// xʸ may be rational: then it can lie exactly on a midpoint, which no precision would decide.

extension CorrectlyRounded {
  /// `x` to the power of `y`, rounded to the nearest `Float`.
  ///
  /// The special cases are those of C99: pow(x, ±0) = 1 and pow(1, y) = 1 for any x and y, NaN too;
  /// pow(−1, ±∞) = 1; a finite x < 0 with a finite y that is not whole gives NaN; a zero or
  /// infinite x gives a zero or infinity that is negative only if x is and y is an odd whole
  /// number.
  public static func pow(_ x: Float, _ y: Float) -> Float {
    if y == 0 || x == 1 { return 1 }
    if x.isNaN || y.isNaN { return .nan }
    if y.isInfinite {
      if x.magnitude == 1 { return 1 }
      return (x.magnitude > 1) == (y > 0) ? .infinity : 0
    }
    let isOdd = y.rounded(.towardZero) == y && y.magnitude < 0x1p24 && Int32(y) & 1 == 1
    let isNegative = x.sign == .minus && isOdd
    if x == 0 || x.isInfinite {
      let magnitude: Float = (x == 0) == (y < 0) ? .infinity : 0
      return isNegative ? -magnitude : magnitude
    }
    if x < 0, y.rounded(.towardZero) != y { return .nan }
    let magnitude = PowKernel.power(x.magnitude, y)
    return isNegative ? -magnitude : magnitude
  }

  /// Replaces every element by its power ``pow(_:_:)`` with one `exponent`, one after the other.
  public static func pow(inPlace values: UnsafeMutableBufferPointer<Float>, exponent: Float) {
    for index in values.indices { values[index] = pow(values[index], exponent) }
  }
}

/// The positive, finite cases of `pow`.
enum PowKernel {
  static let relativeError = 0x1p-42

  /// xʸ for finite x > 0 and finite y ≠ 0.
  static func power(_ x: Float, _ y: Float) -> Float {
    let exponent = Double(y) * LogKernel.logarithm(Double(x)) * ExpKernel.log2OfE
    // Below 2^−150 every result is 0, from 2^128 on every result is +∞.
    let approximation = ExpKernel.powerOfTwo(min(max(exponent, -152), 129))
    let candidates = RoundingCandidates(approximation, relativeError: relativeError)
    if candidates.areEqual { return candidates.lower }
    let midpoint = candidates.midpoint
    if isExactly(x, y, equalTo: midpoint) { return candidates.even }
    return MidpointComparison.power(x, y, exceeds: midpoint) ? candidates.upper : candidates.lower
  }

  /// Whether xʸ = `value`, decided without rounding, for a value of at most 25 significant bits.
  ///
  /// Write x = m · 2ᵃ and value = q · 2ᶜ with odd m and q, and y = ±n · 2ᵇ with odd n. For b < 0,
  /// xʸ is rational only if x is the square of a rational number, −b times over; for y < 0, its
  /// denominator is a power of two only if m = 1.
  static func isExactly(_ x: Float, _ y: Float, equalTo value: Double) -> Bool {
    let target = Dyadic(magnitudeOf: value)
    let power = Dyadic(magnitudeOf: Double(y))
    let base = Dyadic(magnitudeOf: Double(x))
    var (m, a, b) = (base.significand, base.exponent, power.exponent)
    while b < 0 {
      let root = UInt64(Double(m).squareRoot())
      guard a & 1 == 0, root * root == m else { return false }
      (m, a, b) = (root, a / 2, b + 1)
    }
    // Now |y| = n · 2ᵇ is whole.
    if m == 1 {
      // |a · n · 2ᵇ| must be an exponent of Double, so that a larger b than 11 is no match.
      guard target.significand == 1, b < 12 else { return false }
      let exponent = a * Int(power.significand) << b
      return target.exponent == (y < 0 ? -exponent : exponent)
    }
    guard y > 0, b < 5, power.significand < 32 else { return false }
    let count = Int(power.significand) << b
    guard count < 32 else { return false }
    // 3¹⁶ > 2²⁵: the product leaves the range of the target long before it could overflow.
    var product: UInt64 = 1
    for _ in 0..<count {
      product *= m
      if product > target.significand { return false }
    }
    return product == target.significand && target.exponent == a * count
  }
}
