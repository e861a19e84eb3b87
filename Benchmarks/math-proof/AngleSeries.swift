// AngleSeries: sine and cosine with a relative error below 2⁻⁹⁵ plus an absolute one below 2⁻¹⁰¹.
//
// Modular reduction: x = M · 2ᵉ, and cₑ = 2ᵉ mod 2π is computed beforehand, in integers, for every e.
// With cₑ and π/2 cut into parts C₁…C₅, P₁…P₅ on the grids 2⁻²¹, 2⁻⁴⁵, 2⁻⁶⁹, 2⁻⁹³, 2⁻¹⁴⁶,
//
//   k = the whole number nearest to M · cₑ / (π/2) < 2²⁷        x ≡ k · π/2 + r  (mod 2π)
//   r = Σ (M · Cᵢ − k · Pᵢ)
//
// where the products and differences of the first four parts are exact (each is a multiple of its grid
// and below 2⁵³ times it), and so is the sum of the first two; the fifth is below 2⁻⁶⁶ and rounds.
//
//   sin r = r + r · q · Σ ±qⁿ⁻¹ / (2n+1)!,  cos r = 1 + q · Σ ±qⁿ⁻¹ / (2n)!,  q = r², n = 1…14
//
// The remainders are below 0.7855³¹/31! and 0.7855³⁰/30!, that is 2⁻¹¹⁸. Each term but the first is less
// than half of the one before, so that a step of Horner's rule is off by 9u² + (6u² + the step
// before) / 2 < 24u², and the whole by less than 60u² < 2⁻¹⁰⁰.

/// An angle's quadrant (modulo 4) and what remains, |remainder| ≤ π/4.
struct ReducedAngle {
  let quadrant: SIMD8<UInt64>
  let remainder: DoubleWord
}

/// The parts of one number on the five grids.
struct GridParts: Sendable {
  var first = 0.0
  var second = 0.0
  var third = 0.0
  var fourth = 0.0
  var fifth = 0.0

  /// - Parameter digits: A number below 8 with 320 bits of fraction, least significant word first.
  init(_ digits: [UInt64]) {
    // Bits from 2³ down to 2⁻¹⁴⁶, cut where the grids end.
    func part(from high: Int, downTo low: Int) -> Double {
      var value = 0.0
      for weight in stride(from: high, through: low, by: -1) {
        let position = weight + 320
        let bit = digits[position / 64] >> UInt64(position % 64) & 1
        if bit == 1 { value += Double(sign: .plus, exponent: weight, significand: 1) }
      }
      return value
    }
    first = part(from: 2, downTo: -21)
    second = part(from: -22, downTo: -45)
    third = part(from: -46, downTo: -69)
    fourth = part(from: -70, downTo: -93)
    fifth = part(from: -94, downTo: -146)
  }
}

struct AngleSeries: Sendable {
  static let relativeError = 0x1p-95
  static let absoluteError = 0x1p-101

  private static let terms = 14
  private let sineCoefficients: [DoubleWordConstant]
  private let cosineCoefficients: [DoubleWordConstant]
  private let halfPi: GridParts
  /// 2ᵉ mod 2π for e = −24…104.
  private let powers: [GridParts]

  init() {
    sineCoefficients = (1...Self.terms).map {
      .inverseFactorial(2 * $0 + 1, negative: $0 % 2 == 1)
    }
    cosineCoefficients = (1...Self.terms).map {
      .inverseFactorial(2 * $0, negative: $0 % 2 == 1)
    }
    // π with 320 bits of fraction.
    let pi: [UInt64] = [
      0x4528_21E6_38D0_1377, 0x082E_FA98_EC4E_6C89, 0xA409_3822_299F_31D0, 0x1319_8A2E_0370_7344,
      0x243F_6A88_85A3_08D3, 3,
    ]
    let twoPi = Self.doubled(pi)
    halfPi = GridParts(Self.halved(pi))
    // Each doubling doubles the error of 2π's last bit: 2⁻³²⁰ · 2¹²⁹ is far below 2⁻¹⁴⁶.
    var power: [UInt64] = [0, 0, 0, 0, 1 << 40, 0]
    powers = (-24...104).map { _ in
      let parts = GridParts(power)
      power = Self.doubled(power)
      if !Self.isLess(power, twoPi) { power = Self.difference(power, twoPi) }
      return parts
    }
  }

  /// The reduced angles of eight binary32 numbers that share their exponent.
  ///
  /// - Parameters:
  ///   - significands: M.
  ///   - exponent: e, at least −24.
  @inline(__always)
  func reduce(significands: Lanes, exponent: Int) -> ReducedAngle {
    let power = powers[exponent + 24]
    let rounder = 0x1.8p52
    let leading = significands * power.first + significands * power.second
    let shifted = (leading * 0x1.45f306dc9c883p-1) + rounder
    let k = shifted - rounder
    let first = significands * power.first - k * halfPi.first
    let second = significands * power.second - k * halfPi.second
    let third = significands * power.third - k * halfPi.third
    let fourth = significands * power.fourth - k * halfPi.fourth
    let fifth = significands * power.fifth - k * halfPi.fifth
    let upper = DoubleWord(sumOf: first + second, third)
    let lower = DoubleWord(sumOf: fourth, fifth)
    let sum = DoubleWord(sumOf: upper.hi, lower.hi)
    let rest = (upper.lo + sum.lo) + lower.lo
    let quadrant = unsafeBitCast(shifted, to: SIMD8<UInt64>.self) & 3
    return ReducedAngle(quadrant: quadrant, remainder: DoubleWord(sumOf: sum.hi, rest))
  }

  /// The sine of |r| ≤ 0.7855.
  @inline(__always)
  func sine(_ r: DoubleWord) -> DoubleWord {
    r + r * tail(r * r, sineCoefficients)
  }

  /// The cosine of |r| ≤ 0.7855.
  @inline(__always)
  func cosine(_ r: DoubleWord) -> DoubleWord {
    DoubleWord(hi: Lanes(repeating: 1), lo: Lanes()) + tail(r * r, cosineCoefficients)
  }

  /// The series of both without its leading term, over that term.
  @inline(__always)
  private func tail(_ q: DoubleWord, _ coefficients: [DoubleWordConstant]) -> DoubleWord {
    var sum = coefficients[Self.terms - 1].lanes
    for n in stride(from: Self.terms - 2, through: 0, by: -1) {
      sum = coefficients[n].lanes + q * sum
    }
    return q * sum
  }

  private static func doubled(_ digits: [UInt64]) -> [UInt64] {
    digits.indices.map { digits[$0] << 1 | ($0 > 0 ? digits[$0 - 1] >> 63 : 0) }
  }

  private static func halved(_ digits: [UInt64]) -> [UInt64] {
    digits.indices.map { digits[$0] >> 1 | ($0 + 1 < digits.count ? digits[$0 + 1] << 63 : 0) }
  }

  private static func isLess(_ a: [UInt64], _ b: [UInt64]) -> Bool {
    a.reversed().lexicographicallyPrecedes(b.reversed())
  }

  private static func difference(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
    var borrow: UInt64 = 0
    return a.indices.map { index in
      let (partial, underflow) = a[index].subtractingReportingOverflow(b[index])
      let (result, underflowOfBorrow) = partial.subtractingReportingOverflow(borrow)
      borrow = underflow || underflowOfBorrow ? 1 : 0
      return result
    }
  }
}
