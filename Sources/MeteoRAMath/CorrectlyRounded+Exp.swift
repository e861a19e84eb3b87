// exp: powers of e, one at a time and many.
//
//   t = x · log2 e        k = the whole number nearest to t        f = t − k, |f| ≤ 1/2
//   eˣ = 2ᵏ · 2ᶠ          2ᶠ = (Σ cₙ fⁿ)²  n = 0…9, cₙ = (ln 2 / 2)ⁿ / n!  (Taylor series of 2^(f/2))
//
// Error bound for |t| ≤ 152, each part relative to the result, u = 2⁻⁵³:
//   t: constant and product are off by at most u/2 and u of their size, together 1.5 · 152 · u in
//   t,
//      times ln 2:                                                                  < 2⁻⁴⁵·⁶
//   Taylor remainder: h = f · ln 2 / 2, |h| ≤ 0.1733: h¹⁰ / 10! / e^−|h|, doubled by squaring:
//                                                                                   < 2⁻⁴⁵·⁷
//   roundings of coefficients, sum and square (fewer than 12 of at most u each):    < 2⁻⁴⁹
// The sum is below 2⁻⁴⁴·⁵; the bound taken is 2⁻⁴⁴. It leaves about one argument in 700 000
// undecided.

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
    let size = min(ExpKernel.pieceLength, values.count)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { arguments in
      guard let arguments = arguments.baseAddress else { return }
      var first = 0
      while first < values.count {
        let count = min(size, values.count - first)
        let results = start + first
        arguments.update(from: results, count: count)
        if !ExpKernel.exp(arguments, count: count, to: results) {
          for index in 0..<count { results[index] = exp(arguments[index]) }
        }
        first += count
      }
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
  @inline(__always)
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

  /// Elements that are computed before it is asked whether all were decided.
  static let pieceLength = 512

  /// Writes `count` results, and returns whether all are decided; if not, none may be used.
  ///
  /// The steps are those of one element: without a branch, so that the compiler makes vectors of
  /// them.
  static func exp(
    _ arguments: UnsafePointer<Float>, count: Int, to results: UnsafeMutablePointer<Float>
  ) -> Bool {
    var differences: UInt32 = 0
    var index = 0
    while index < count {
      let x = arguments[index]
      // Comparisons with NaN are false: it passes, and both candidates are the same NaN.
      let atMost = x > highest ? highest : x
      let argument = atMost < lowest ? lowest : atMost
      let approximation = powerOfTwo(Double(argument) * log2OfE)
      let lower = Float(approximation * (1 - relativeError))
      let upper = Float(approximation * (1 + relativeError))
      results[index] = lower
      differences |= lower.bitPattern ^ upper.bitPattern
      index &+= 1
    }
    return differences == 0
  }
}
