// MidpointComparison: on which side of a midpoint between two binary32 numbers does a result lie?
//
// The last resort of the correctly rounded functions, asked about once in 2^17 arguments or less.
// Everything is integer arithmetic with a rigorous error bound: a comparison counts once the
// difference reaches into the limbs above the last one, and is repeated with twice the precision
// otherwise. It ends, because the two sides are never equal: by the theorem of Lindemann and
// Weierstrass, exp, log, sin and cos of a rational argument are irrational (but for exp 0, log 1,
// sin 0, cos 0, which never come here), and the equal cases of pow are found beforehand.
//
//   exp x > M       ⇔        x > ln M
//   log x > M       ⇔     ln x > M
//   pow(x, y) > M   ⇔  y · ln x > ln M
//
// so that one logarithm of a number with few bits serves three functions.

/// Exact comparisons of results with midpoints.
enum MidpointComparison {
  /// Whether eˣ > `midpoint`, for a finite x ≠ 0 and a finite midpoint > 0.
  static func exponential(of x: Float, exceeds midpoint: Double) -> Bool {
    isPositive { fractionLimbs in
      let exponent = signed(Double(x), fractionLimbs: fractionLimbs)
      return exponent - logarithm(of: Dyadic(magnitudeOf: midpoint), fractionLimbs: fractionLimbs)
    }
  }

  /// Whether |ln x| > `midpoint`, for a finite x > 0 other than 1 and a midpoint > 0.
  static func logarithmMagnitude(of x: Float, exceeds midpoint: Double) -> Bool {
    isPositive { fractionLimbs in
      logarithm(of: Dyadic(magnitudeOf: Double(x)), fractionLimbs: fractionLimbs).magnitude
        - signed(midpoint, fractionLimbs: fractionLimbs)
    }
  }

  /// Whether xʸ > `midpoint`, for finite x > 0, y ≠ 0 and midpoint > 0 with xʸ ≠ midpoint.
  ///
  /// xʸ lies within the range of binary32 or next to it, so that |y| < 105 / |ln x| < 2³²
  /// multiplies the error of the logarithm.
  static func power(_ x: Float, _ y: Float, exceeds midpoint: Double) -> Bool {
    let (base, exponent) = (Dyadic(magnitudeOf: Double(x)), Dyadic(magnitudeOf: Double(y)))
    return isPositive { fractionLimbs in
      let ofBase = logarithm(of: base, fractionLimbs: fractionLimbs)
      var product = ofBase.magnitude
      product.multiply(by: exponent.significand)
      product.scale(byPowerOfTwo: exponent.exponent)
      let isNegative = ofBase.isNegative != (y < 0)
      return (isNegative ? product.negated : product)
        - logarithm(of: Dyadic(magnitudeOf: midpoint), fractionLimbs: fractionLimbs)
    }
  }

  /// Whether sin r > `midpoint` (cos r, if `cosine`), for 0 < r < 1 and a midpoint > 0.
  static func sine(
    of angle: FixedPoint, cosine: Bool, exceeds midpoint: Double
  ) -> Bool {
    // The terms rⁿ / n! of either parity; each of the at most 50 steps loses below two units of
    // the last fraction bit, and the limb with that bit is a guard of 2⁶⁴ units.
    let square = angle * angle
    var term = cosine ? FixedPoint(1, fractionLimbs: angle.limbs.count - 1) : angle
    var sum = term
    var index: UInt64 = cosine ? 1 : 2
    var isSubtracted = true
    while !term.isZero {
      term = term * square
      term.divide(by: index * (index + 1))
      sum = isSubtracted ? sum - term : sum + term
      isSubtracted.toggle()
      index += 2
    }
    return !(sum - signed(midpoint, fractionLimbs: angle.limbs.count - 1)).isNegative
  }

  /// The sign of a number ≠ 0 that is known to any precision, with an error below 2⁶³ units of the
  /// last fraction bit.
  private static func isPositive(_ difference: (_ fractionLimbs: Int) -> FixedPoint) -> Bool {
    var fractionLimbs = 3
    while true {
      let value = difference(fractionLimbs)
      if !value.isWithinGuardLimb { return !value.isNegative }
      fractionLimbs *= 2
    }
  }

  private static func signed(_ value: Double, fractionLimbs: Int) -> FixedPoint {
    let magnitude = FixedPoint(
      magnitudeOf: Dyadic(magnitudeOf: value), fractionLimbs: fractionLimbs)
    return value < 0 ? magnitude.negated : magnitude
  }

  /// ln(s · 2ᵉ) for 0 < s < 2²⁷ and |e| < 512, with an error below 2²⁴ units of the last fraction
  /// bit.
  ///
  ///     ln(s · 2ᵉ) = (b + e) · ln 2 − 2 · artanh((2ᵇ − s) / (2ᵇ + s))        1/2 ≤ s / 2ᵇ < 1
  private static func logarithm(of value: Dyadic, fractionLimbs: Int) -> FixedPoint {
    let bits = 64 - value.significand.leadingZeroBitCount
    let unit: UInt64 = 1 << UInt64(bits)
    let deficit = doubledArtanh(
      of: unit - value.significand, over: unit + value.significand, fractionLimbs: fractionLimbs)
    var powers = doubledArtanh(of: 1, over: 3, fractionLimbs: fractionLimbs)
    let exponent = bits + value.exponent
    powers.multiply(by: UInt64(exponent.magnitude))
    return (exponent < 0 ? powers.negated : powers) - deficit
  }

  /// 2 · artanh(z) = 2 · (z + z³/3 + z⁵/5 + …) for z = `numerator` / `denominator`, 0 ≤ z ≤ 1/3,
  /// and a denominator below 2²⁸; ln 2 = 2 · artanh(1/3).
  ///
  /// A term is off by at most 1 + 1/9 + … < 1.2 units of the last fraction bit, its quotient by one
  /// more; there are at most 21 terms for 64 bits (and 2²⁴ leaves room for 100 limbs and more).
  private static func doubledArtanh(
    of numerator: UInt64, over denominator: UInt64, fractionLimbs: Int
  ) -> FixedPoint {
    var term = FixedPoint(2 * numerator, fractionLimbs: fractionLimbs)
    term.divide(by: denominator)
    var sum = term
    var index: UInt64 = 1
    while !term.isZero {
      term.multiply(by: numerator * numerator)
      term.divide(by: denominator * denominator)
      index += 2
      var quotient = term
      quotient.divide(by: index)
      sum = sum + quotient
    }
    return sum
  }
}
