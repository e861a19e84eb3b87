// FixedPoint: whole numbers and fractions of any chosen precision, for the rare results that Double
// cannot decide. Only what a logarithm, a sine and a comparison need; clarity before speed.

/// A fixed-point number in two's complement: limb 0 is the least significant, the last limb is
/// the integer part, all others are fraction.
///
/// Arithmetic wraps; the callers keep every magnitude far below 2⁶³. Division, right shift and
/// multiplication drop what lies below the last fraction bit (an error below one unit of it).
struct FixedPoint {
  var limbs: [UInt64]

  init(fractionLimbs: Int) {
    limbs = [UInt64](repeating: 0, count: fractionLimbs + 1)
  }

  init(_ integer: UInt64, fractionLimbs: Int) {
    self.init(fractionLimbs: fractionLimbs)
    limbs[fractionLimbs] = integer
  }

  /// The magnitude of `value`, bits below the last fraction bit dropped.
  init(magnitudeOf value: Dyadic, fractionLimbs: Int) {
    self.init(value.significand, fractionLimbs: fractionLimbs)
    scale(byPowerOfTwo: value.exponent)
  }

  var isNegative: Bool { (limbs.last ?? 0) >> 63 == 1 }
  var isZero: Bool { limbs.allSatisfy { $0 == 0 } }
  var magnitude: FixedPoint { isNegative ? negated : self }

  /// Whether no limb but the least significant, which is left to rounding errors, has a bit set.
  ///
  /// Holds for magnitudes below 2⁶⁴ units of the last fraction bit.
  var isWithinGuardLimb: Bool { magnitude.limbs.dropFirst().allSatisfy { $0 == 0 } }

  var negated: FixedPoint {
    FixedPoint(fractionLimbs: limbs.count - 1) - self
  }

  static func + (left: FixedPoint, right: FixedPoint) -> FixedPoint {
    var sum = left
    var carry: UInt64 = 0
    for index in sum.limbs.indices {
      let (partial, overflow) = left.limbs[index].addingReportingOverflow(right.limbs[index])
      let (total, overflowOfCarry) = partial.addingReportingOverflow(carry)
      sum.limbs[index] = total
      carry = overflow || overflowOfCarry ? 1 : 0
    }
    return sum
  }

  static func - (left: FixedPoint, right: FixedPoint) -> FixedPoint {
    var difference = left
    var borrow: UInt64 = 0
    for index in difference.limbs.indices {
      let (partial, underflow) = left.limbs[index].subtractingReportingOverflow(right.limbs[index])
      let (total, underflowOfBorrow) = partial.subtractingReportingOverflow(borrow)
      difference.limbs[index] = total
      borrow = underflow || underflowOfBorrow ? 1 : 0
    }
    return difference
  }

  /// The product of two numbers ≥ 0.
  static func * (left: FixedPoint, right: FixedPoint) -> FixedPoint {
    let count = left.limbs.count
    var product = [UInt64](repeating: 0, count: 2 * count)
    for (i, factor) in left.limbs.enumerated() {
      var carry: UInt64 = 0
      for (j, other) in right.limbs.enumerated() {
        let (high, low) = factor.multipliedFullWidth(by: other)
        let (partial, overflow) = low.addingReportingOverflow(product[i + j])
        let (total, overflowOfCarry) = partial.addingReportingOverflow(carry)
        product[i + j] = total
        carry = high &+ (overflow ? 1 : 0) &+ (overflowOfCarry ? 1 : 0)
      }
      product[i + count] = carry
    }
    var result = FixedPoint(fractionLimbs: count - 1)
    result.limbs = Array(product[(count - 1)..<(2 * count - 1)])
    return result
  }

  /// Multiplies a number ≥ 0 by a whole number.
  mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let (high, low) = limbs[index].multipliedFullWidth(by: factor)
      let (total, overflow) = low.addingReportingOverflow(carry)
      limbs[index] = total
      carry = high &+ (overflow ? 1 : 0)
    }
  }

  /// Divides a number ≥ 0 by a whole number > 0.
  mutating func divide(by divisor: UInt64) {
    var remainder: UInt64 = 0
    for index in limbs.indices.reversed() {
      (limbs[index], remainder) = divisor.dividingFullWidth((remainder, limbs[index]))
    }
  }

  /// Multiplies a number ≥ 0 by 2 to the power of `exponent`.
  mutating func scale(byPowerOfTwo exponent: Int) {
    let source = limbs
    func limb(_ index: Int) -> UInt64 { source.indices.contains(index) ? source[index] : 0 }
    // Bit 64·i of the result is bit 64·i − exponent of the source. Shifting by 64 gives 0.
    let (whole, bits) = (exponent >> 6, exponent & 63)
    for index in limbs.indices {
      let from = index - whole
      limbs[index] = limb(from) << UInt64(bits) | limb(from - 1) >> UInt64(64 - bits)
    }
  }
}

/// The magnitude of a finite binary floating-point number: `significand · 2^exponent`, the
/// significand odd (or zero).
struct Dyadic: Equatable {
  let significand: UInt64
  let exponent: Int

  /// The exact magnitude of `value`, which is finite.
  init(magnitudeOf value: Double) {
    guard value != 0 else {
      (significand, exponent) = (0, 0)
      return
    }
    let fraction = value.significandBitPattern
    let biased = Int(value.exponentBitPattern)
    let bits = biased == 0 ? fraction : fraction | 1 << 52
    let zeros = bits.trailingZeroBitCount
    significand = bits >> UInt64(zeros)
    exponent = max(biased, 1) - 1075 + zeros
  }
}
