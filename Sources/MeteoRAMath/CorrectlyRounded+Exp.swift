// exp: powers of e, one at a time and in vectors of eight.
//
//   t = x · log2 e        k = the whole number nearest to t        f = t − k, |f| ≤ 1/2
//   eˣ = 2ᵏ · 2ᶠ          2ᶠ = (Σ cₙ fⁿ)²  n = 0…9, cₙ = (ln 2 / 2)ⁿ / n!  (Taylor series of 2^(f/2))
//
// Error bound for |t| ≤ 152, each part relative to the result, u = 2⁻⁵³:
//   t: constant and product are off by at most u/2 and u of their size, together 1.5 · 152 · u in t,
//      times ln 2:                                                                  < 2⁻⁴⁵·⁶
//   Taylor remainder: h = f · ln 2 / 2, |h| ≤ 0.1733: h¹⁰ / 10! / e^−|h|, doubled by squaring:
//                                                                                   < 2⁻⁴⁵·⁷
//   roundings of coefficients, sum and square (fewer than 12 of at most u each):    < 2⁻⁴⁹
// The sum is below 2⁻⁴⁴·⁵; the bound taken is 2⁻⁴⁴. It leaves about one argument in 700 000 undecided.

extension CorrectlyRounded {
  /// e to the power of `x`, rounded to the nearest `Float`.
  ///
  /// exp(±0) = 1, exp(−∞) = +0, exp(+∞) = +∞, exp(NaN) = NaN.
  public static func exp(_ x: Float) -> Float {
    guard !x.isNaN else { return x }
    let argument = Double(min(max(x, ExpKernel.lowest), ExpKernel.highest))
    let approximation = ExpKernel.powerOfTwo(argument * ExpKernel.log2OfE)
    let candidates = RoundingCandidates(approximation, relativeError: ExpKernel.relativeError)
    if candidates.areEqual { return candidates.lower }
    return MidpointComparison.exponential(of: x, exceeds: candidates.midpoint)
      ? candidates.upper : candidates.lower
  }

  /// Replaces every element by its ``exp(_:)``: the same bits, several times faster.
  public static func exp(inPlace values: UnsafeMutableBufferPointer<Float>) {
    guard let start = values.baseAddress else { return }
    var index = 0
    while index + 8 <= values.count {
      let address = UnsafeMutableRawPointer(start + index)
      let x = address.loadUnaligned(as: SIMD8<Float>.self)
      let (results, areDecided) = ExpKernel.exp(x)
      address.storeBytes(of: results, as: SIMD8<Float>.self)
      if !areDecided {
        for lane in 0..<8 { values[index + lane] = exp(x[lane]) }
      }
      index += 8
    }
    while index < values.count {
      values[index] = exp(values[index])
      index += 1
    }
  }
}

/// The approximations in `Double` on which `exp` and `pow` rest.
enum ExpKernel {
  /// Below e^−104 < 2^−150 every result is 0; above e^89 > 2^128 every result is +∞.
  static let lowest: Float = -104
  static let highest: Float = 89

  static let relativeError = 0x1p-44
  static let log2OfE = 0x1.71547652b82fep+0

  /// Adding and subtracting 1.5 · 2⁵² rounds a number below 2⁵¹ to the nearest whole number.
  private static let rounder = 0x1.8p52

  private static let c1 = 0x1.62e42fefa39efp-2
  private static let c2 = 0x1.ebfbdff82c58fp-5
  private static let c3 = 0x1.c6b08d704a0c0p-8
  private static let c4 = 0x1.3b2ab6fba4e77p-11
  private static let c5 = 0x1.5d87fe78a6731p-15
  private static let c6 = 0x1.430912f86c787p-19
  private static let c7 = 0x1.ffcbfc588b0c7p-24
  private static let c8 = 0x1.62c0223a5c824p-28
  private static let c9 = 0x1.b5253d395e7c4p-33

  /// 2 to the power of `t`, for |t| ≤ 152.
  static func powerOfTwo(_ t: Double) -> Double {
    let shifted = t + rounder
    let f = t - (shifted - rounder)
    let f2 = f * f
    // In pairs rather than term by term: the chain of dependent operations is half as long.
    let upper = (c4 + c5 * f) + f2 * (c6 + c7 * f) + f2 * f2 * (c8 + c9 * f)
    let root = (1 + c1 * f) + (f2 * (c2 + c3 * f) + f2 * f2 * upper)
    // The low bits of `shifted` hold k: moved to the exponent field they make 2ᵏ.
    let scale = Double(bitPattern: (shifted.bitPattern &+ 1023) << 52)
    return root * root * scale
  }

  /// Eight results by the same steps, and whether all are decided; if not, none may be used.
  @inline(__always)
  static func exp(_ argument: SIMD8<Float>) -> (results: SIMD8<Float>, areDecided: Bool) {
    // Comparisons with NaN are false: it passes, stays NaN, and counts as undecided.
    var x = argument
    if any((x .< lowest) .| (x .> highest)) {
      x.replace(with: lowest, where: x .< lowest)
      x.replace(with: highest, where: x .> highest)
    }
    let t = SIMD8<Double>(x) * log2OfE
    let shifted = t + rounder
    let f = t - (shifted - rounder)
    let f2 = f * f
    let upperPairs = (c4 + c5 * f) + f2 * (c6 + c7 * f)
    let upper = upperPairs + f2 * f2 * (c8 + c9 * f)
    let lowerPair = f2 * (c2 + c3 * f)
    let root = (1 + c1 * f) + (lowerPair + f2 * f2 * upper)
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt64>.self)
    let scale = unsafeBitCast((bits &+ 1023) &<< 52, to: SIMD8<Double>.self)
    let y = root * root * scale
    let lower = SIMD8<Float>(y * (1 - relativeError))
    return (lower, all(lower .== SIMD8<Float>(y * (1 + relativeError))))
  }
}
