// sin and cos, for angles of any size.
//
//   |x| = j · π/2 + r, |r| ≤ π/4            sin and cos of r by their Taylor series
//
// Reduction is exact integer arithmetic (Payne and Hanek): |x| = M · 2ᵉ with a 24-bit M, so that
// only a window of the bits of 2/π matters: bits of a higher weight than 2^(1−e) contribute
// multiples of 4 quadrants, bits beyond the window nearly nothing. M · window, modulo 4 quadrants,
// is j and the fraction f, r = f · π/2.
//
// Error bound, u = 2⁻⁵³, relative to the result:
//   r: no reduced angle is below 2⁻²⁹·³ (the smallest belongs to 16367173 · 2⁷²); the 128-bit
//   window
//      errs by 2⁻¹⁰² of a quadrant, the conversion to Double by 2u, the product with π/2 by 1.5u;
//      sin and cos hand on at most r's relative error:                               < 2⁻⁵¹
//   sin: remainder r¹⁶/17! < 2⁻⁵³·⁹;  cos: remainder r¹⁶/16! / cos r < 2⁻⁴⁹·³;  roundings < 2⁻⁵¹
// The bound taken is 2⁻⁴⁸.

extension CorrectlyRounded {
  /// The sine of `x` radians, rounded to the nearest `Float`.
  ///
  /// sin(±0) = ±0; sin(±∞) and sin(NaN) are NaN.
  public static func sin(_ x: Float) -> Float {
    guard x.isFinite else { return .nan }
    guard x != 0 else { return x }
    let magnitude = SinCosKernel.evaluate(x.magnitude, quadrantsAhead: 0)
    return x < 0 ? -magnitude : magnitude
  }

  /// The cosine of `x` radians, rounded to the nearest `Float`.
  ///
  /// cos(±0) = 1; cos(±∞) and cos(NaN) are NaN.
  public static func cos(_ x: Float) -> Float {
    guard x.isFinite else { return .nan }
    guard x != 0 else { return 1 }
    return SinCosKernel.evaluate(x.magnitude, quadrantsAhead: 1)
  }

  /// Replaces every element by its ``sin(_:)-(Float)``, one after the other.
  public static func sin(inPlace values: UnsafeMutableBufferPointer<Float>) {
    for index in values.indices { values[index] = sin(values[index]) }
  }

  /// Replaces every element by its ``cos(_:)-(Float)``, one after the other.
  public static func cos(inPlace values: UnsafeMutableBufferPointer<Float>) {
    for index in values.indices { values[index] = cos(values[index]) }
  }
}

/// The approximations in `Double` on which `sin` and `cos` rest.
enum SinCosKernel {
  static let relativeError = 0x1p-48

  /// sin(x + n · π/2) for a finite x > 0, n = `quadrantsAhead`: 0 for sin, 1 for cos.
  static func evaluate(_ x: Float, quadrantsAhead: UInt64) -> Float {
    let reduced = x < AngleReduction.quarterOfPi ? nil : AngleReduction(x)
    let quadrant = (reduced?.quadrant ?? 0) &+ quadrantsAhead
    let angle = reduced?.angle ?? Double(x)
    let cosine = quadrant & 1 == 1
    // The angle's own sign matters to the sine only.
    let isNegative = (quadrant & 2 == 2) != (!cosine && angle < 0)
    let approximation = cosine ? cosineSeries(angle) : sineSeries(angle.magnitude)
    let candidates = RoundingCandidates(approximation, relativeError: relativeError)
    let isUpper =
      !candidates.areEqual
      && MidpointComparison.sine(
        of: AngleReduction.precise(x), cosine: cosine, exceeds: candidates.midpoint)
    let magnitude = isUpper ? candidates.upper : candidates.lower
    return isNegative ? -magnitude : magnitude
  }

  /// sin r for 0 < r < 0.7854.
  private static func sineSeries(_ r: Double) -> Double {
    let q = r * r
    let high = s9 + q * (s11 + q * (s13 + q * s15))
    return r + r * (q * (s3 + q * (s5 + q * (s7 + q * high))))
  }

  /// cos r for |r| < 0.7854.
  private static func cosineSeries(_ r: Double) -> Double {
    let q = r * r
    let high = c8 + q * (c10 + q * (c12 + q * c14))
    return 1 + q * (-0.5 + q * (c4 + q * (c6 + q * high)))
  }

  // ±1/n!
  private static let s3 = -0x1.5555555555555p-3
  private static let s5 = 0x1.1111111111111p-7
  private static let s7 = -0x1.a01a01a01a01ap-13
  private static let s9 = 0x1.71de3a556c734p-19
  private static let s11 = -0x1.ae64567f544e4p-26
  private static let s13 = 0x1.6124613a86d09p-33
  private static let s15 = -0x1.ae7f3e733b81fp-41
  private static let c4 = 0x1.5555555555555p-5
  private static let c6 = -0x1.6c16c16c16c17p-10
  private static let c8 = 0x1.a01a01a01a01ap-16
  private static let c10 = -0x1.27e4fb7789f5cp-22
  private static let c12 = 0x1.1eed8eff8d898p-29
  private static let c14 = -0x1.93974a8c07c9dp-37
}
