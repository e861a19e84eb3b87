/// |x| = `quadrant` · π/2 + `angle` (the quadrant modulo 4), |angle| ≤ π/4: see
/// `CorrectlyRounded+SinCos.swift`.
struct AngleReduction {
  let quadrant: UInt64
  let angle: Double

  /// The smallest `Float` above π/4; smaller arguments are their own reduced angle.
  static let quarterOfPi: Float = 0x1.921fb6p-1

  /// - Parameter x: At least ``quarterOfPi``, finite.
  init(_ x: Float) {
    let significand = UInt64(x.significandBitPattern | 1 << 23)
    let first = Self.firstBit(x)
    let (high, low) = significand.multipliedFullWidth(by: Self.word(at: first + 64))
    let upper = significand &* Self.word(at: first) &+ high
    // Two bits of quadrant above 126 bits of fraction; a fraction of ½ or more belongs to the next.
    quadrant = (upper &+ 1 << 61) >> 62
    let fraction = Int64(bitPattern: upper &- quadrant << 62)
    angle = (Double(fraction) * 0x1p64 + Double(low)) * Self.halfPiOver2To126
  }

  /// The magnitude of the reduced angle, for any finite x > 0, with 192 bits of fraction.
  static func precise(_ x: Float) -> FixedPoint {
    let fractionLimbs = 3
    guard x >= quarterOfPi else {
      return FixedPoint(magnitudeOf: Dyadic(magnitudeOf: Double(x)), fractionLimbs: fractionLimbs)
    }
    // Four limbs: two bits of quadrant above 254 bits of fraction.
    var turns = FixedPoint(fractionLimbs: fractionLimbs)
    let first = firstBit(x)
    for limb in 0...fractionLimbs {
      turns.limbs[limb] = word(at: first + 64 * (fractionLimbs - limb))
    }
    turns.multiply(by: UInt64(x.significandBitPattern | 1 << 23))
    let quadrant = (turns.limbs[fractionLimbs] &+ 1 << 61) >> 62
    turns.limbs[fractionLimbs] &-= quadrant << 62
    var fraction = turns.magnitude
    fraction.scale(byPowerOfTwo: -62)
    var halfPi = FixedPoint(fractionLimbs: fractionLimbs)
    halfPi.limbs = halfPiLimbs
    return fraction * halfPi
  }

  /// The position in ``twoOverPi`` of the bit with weight 2^(1−e), where x = M · 2ᵉ, M < 2²⁴.
  private static func firstBit(_ x: Float) -> Int {
    let exponent = Int(x.exponentBitPattern) - 150
    return 24 + exponent
  }

  /// The 64 bits of 2/π that begin at `position`.
  private static func word(at position: Int) -> UInt64 {
    let (index, bits) = (position >> 6, UInt64(position & 63))
    return twoOverPi[index] << bits | twoOverPi[index + 1] >> (64 - bits)
  }

  /// The binary digits of 2/π; the first bit has the weight 2²⁵.
  private static let twoOverPi: [UInt64] = [
    0x0000_0028_BE60_DB93, 0x9105_4A7F_09D5_F47D, 0x4D37_7036_D8A5_664F, 0x10E4_107F_9458_EAF7,
    0xAEF1_586D_C91B_8E90, 0x9374_B801_924B_BA82, 0x7464_873F_877A_C72C,
  ]

  /// π/2 · 2⁻¹²⁶.
  private static let halfPiOver2To126 = 0x1.921fb54442d18p-126

  /// π/2 with 192 bits of fraction, least significant limb first.
  private static let halfPiLimbs: [UInt64] = [
    0x5204_9C11_14CF_98E8, 0x898C_C517_01B8_39A2, 0x921F_B544_42D1_8469, 1,
  ]
}
