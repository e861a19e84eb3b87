// ExponentialSeries: e to the power of a Double, with a relative error below 2⁻⁹⁶.
//
//   a = k · ln 2 + 8 · r, |8 r| ≤ 0.347       eᵃ = 2ᵏ · (((Σ rⁿ / n!)²)²)²,  n = 0…14
//
// Error, relative, u = 2⁻⁵³:
//   k · ln 2 with ln 2 in three parts, the first two short enough for exact products; the third,
//     and the sum of what is below 2⁻³⁵, round: r is off by less than 2u² absolutely
//   Taylor remainder: 0.0434¹⁵ / 15! < 2⁻¹⁰⁷, eight times that after the squarings
//   Horner: step n is off by 9u² for the sum and by 6u² + (the step before) for a product that is
//     at most 0.0434 of it: below 11u²; each squaring doubles that and adds 6u²: 8 · 11 + 7 · 6 = 130u²
// Together below 200u² < 2⁻⁹⁸.

struct ExponentialSeries: Sendable {
  /// A bound of the relative error.
  static let relativeError = 0x1p-96

  private static let degree = 14
  private let coefficients = (0...degree).map { DoubleWordConstant.inverseFactorial($0) }

  private let inverseLn2 = 0x1.71547652b82fep+0
  private let ln2High = 0x1.62e42fefa3800p-1
  private let ln2Middle = 0x1.ef35793c76000p-45
  private let ln2Low = 0x1.cc01f97b57a08p-87
  private let rounder = 0x1.8p52

  /// eᵃ for |a| ≤ 105.
  @inline(__always)
  func callAsFunction(_ a: Lanes) -> DoubleWord {
    let shifted = (a * inverseLn2) + rounder
    let k = shifted - rounder
    let leading = DoubleWord(sumOf: a, -k * ln2High)
    let tail = DoubleWord(sumOf: -k * ln2Middle, leading.lo)
    let remainder = DoubleWord(sumOf: leading.hi, tail.hi)
    let low = remainder.lo + (tail.lo - k * ln2Low)
    let r = DoubleWord(sumOf: remainder.hi, low).scaled(by: Lanes(repeating: 0.125))
    var sum = coefficients[Self.degree].lanes
    for n in stride(from: Self.degree - 1, through: 0, by: -1) {
      sum = coefficients[n].lanes + r * sum
    }
    sum = sum * sum
    sum = sum * sum
    sum = sum * sum
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt64>.self)
    return sum.scaled(by: unsafeBitCast((bits &+ 1023) &<< 52, to: Lanes.self))
  }
}
