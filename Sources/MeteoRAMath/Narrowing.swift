/// Conversions of binary32 to narrower formats, each rounded once, to nearest, ties to even.
///
/// The counterpart of ``Widening``: narrowing what was widened gives the same bits back, but for
/// NaN, which becomes a quiet NaN of the same sign. A magnitude beyond the largest finite number's
/// last half step becomes infinity.
public enum Narrowing {
  /// bfloat16: the upper half of a binary32 number, rounded.
  public static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 31) << 15 | 0x7FC0 }
    // At most 0xFF80_7FFF + 0x8000: no carry beyond infinity.
    return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
  }

  /// IEEE binary16: 1 sign bit, 5 of exponent, 10 of significand.
  ///
  /// Works on the bits, because `Float16` does not exist on every platform.
  public static func float16(_ value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 31) << 15
    let magnitude = value.magnitude
    if magnitude.isNaN { return sign | 0x7E00 }
    // Half a step beyond the largest finite number, 65504: the tie goes to the even infinity.
    if magnitude >= 65520 { return sign | 0x7C00 }
    if magnitude < 0x1p-14 {
      // Multiples of 2⁻²⁴; the product is exact, and rounding up may reach the normal numbers.
      return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
    }
    let rebiased = magnitude.bitPattern - (127 - 15) << 23
    return sign | UInt16((rebiased + 0x0FFF + (rebiased >> 13 & 1)) >> 13)
  }
}
