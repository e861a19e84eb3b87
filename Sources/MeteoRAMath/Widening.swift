/// Exact conversions of narrow floating-point formats to binary32.
///
/// Every value of these formats is a binary32 number, so nothing is rounded. NaN stays NaN.
public enum Widening {
  /// bfloat16: 1 sign bit, 8 of exponent, 7 of significand (the upper half of a binary32 number).
  public static func float(bfloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }

  /// IEEE binary16: 1 sign bit, 5 of exponent, 10 of significand.
  ///
  /// Works on the bits, because `Float16` does not exist on every platform.
  public static func float(float16 bits: UInt16) -> Float {
    let sign = UInt32(bits >> 15) << 31
    let magnitude = UInt32(bits & 0x7FFF)
    let widened: UInt32
    if magnitude < 0x0400 {
      // Zero and the subnormal numbers are multiples of 2⁻²⁴, normal numbers of binary32.
      widened = (Float(magnitude) * 0x1p-24).bitPattern
    } else if magnitude < 0x7C00 {
      widened = (magnitude + (127 - 15) << 10) << 13
    } else {
      widened = 0x7F80_0000 | (magnitude & 0x03FF) << 13
    }
    return Float(bitPattern: sign | widened)
  }

  /// `F8_E4M3` of safetensors: 1 sign bit, 4 of exponent, 3 of significand; the variant without
  /// infinities ("fn"), whose largest number is 448 and whose only NaN are 0x7F and 0xFF.
  public static func float(float8E4M3 bits: UInt8) -> Float {
    let sign = UInt32(bits >> 7) << 31
    let magnitude = UInt32(bits & 0x7F)
    let widened: UInt32
    if magnitude < 0x08 {
      widened = (Float(magnitude) * 0x1p-9).bitPattern
    } else if magnitude < 0x7F {
      widened = (magnitude + (127 - 7) << 3) << 20
    } else {
      widened = Float.nan.bitPattern
    }
    return Float(bitPattern: sign | widened)
  }

  /// `F8_E5M2` of safetensors: the upper half of an IEEE binary16 number.
  public static func float(float8E5M2 bits: UInt8) -> Float {
    float(float16: UInt16(bits) << 8)
  }
}
