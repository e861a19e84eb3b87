// DoubleWord: arithmetic on unevaluated sums of two Doubles, eight at a time.
//
// u = 2⁻⁵³. The bounds are those of Joldes, Muller and Popescu ("Tight and rigorous error bounds for
// basic building blocks of double-word arithmetic", 2017), or argued here.

typealias Lanes = SIMD8<Double>

/// Eight numbers hi + lo with |lo| ≤ u · |hi|.
struct DoubleWord {
  var hi: Lanes
  var lo: Lanes

  @inline(__always)
  init(hi: Lanes, lo: Lanes) {
    self.hi = hi
    self.lo = lo
  }

  /// The exact sum of two numbers.
  @inline(__always)
  init(sumOf a: Lanes, _ b: Lanes) {
    hi = a + b
    let bPart = hi - a
    let aPart = hi - bPart
    lo = (a - aPart) + (b - bPart)
  }

  /// The exact sum of two numbers, |a| ≥ |b| or a = 0.
  @inline(__always)
  init(sumOfLarger a: Lanes, _ b: Lanes) {
    hi = a + b
    lo = b - (hi - a)
  }

  /// The exact product of two numbers.
  @inline(__always)
  init(productOf a: Lanes, _ b: Lanes) {
    hi = a * b
    lo = (-hi).addingProduct(a, b)
  }

  @inline(__always)
  static prefix func - (value: DoubleWord) -> DoubleWord {
    DoubleWord(hi: -value.hi, lo: -value.lo)
  }

  /// Relative error at most 6u².
  @inline(__always)
  static func * (a: DoubleWord, b: DoubleWord) -> DoubleWord {
    let exact = DoubleWord(productOf: a.hi, b.hi)
    let cross = (a.hi * b.lo).addingProduct(a.lo, b.hi)
    return DoubleWord(sumOfLarger: exact.hi, exact.lo + cross)
  }

  /// Relative error at most 9u² where |b| ≤ |a| / 2.
  ///
  /// The sum of the low words, at most u(|a| + |b|), and its sum with the rounding error of the high
  /// words, at most u|a + b| more, are rounded: 3u²(|a| + |b|) ≤ 9u²|a + b|.
  @inline(__always)
  static func + (a: DoubleWord, b: DoubleWord) -> DoubleWord {
    let exact = DoubleWord(sumOf: a.hi, b.hi)
    return DoubleWord(sumOfLarger: exact.hi, exact.lo + (a.lo + b.lo))
  }

  /// The product with a power of two.
  @inline(__always)
  func scaled(by power: Lanes) -> DoubleWord {
    DoubleWord(hi: hi * power, lo: lo * power)
  }
}

/// A constant hi + lo.
struct DoubleWordConstant {
  let hi: Double
  let lo: Double

  /// ±1 / n!, relative error at most 4u².
  static func inverseFactorial(_ n: Int, negative: Bool = false) -> DoubleWordConstant {
    // 18! < 2⁵³; from there on n! = 18! · (19 ⋯ n), and the quotient takes two steps.
    let small = (1...min(max(n, 1), 18)).reduce(1.0) { $0 * Double($1) }
    let large = n > 18 ? (19...n).reduce(1.0) { $0 * Double($1) } : 1
    let first = DoubleWordConstant(hi: negative ? -1 : 1, lo: 0).divided(by: small)
    return large == 1 ? first : first.divided(by: large)
  }

  /// The quotient by a whole number below 2⁵³.
  private func divided(by divisor: Double) -> DoubleWordConstant {
    let quotient = hi / divisor
    let remainder = hi.addingProduct(-quotient, divisor) + lo
    let rest = remainder / divisor
    let sum = quotient + rest
    return DoubleWordConstant(hi: sum, lo: rest - (sum - quotient))
  }

  var lanes: DoubleWord {
    @inline(__always) get {
      DoubleWord(hi: Lanes(repeating: hi), lo: Lanes(repeating: lo))
    }
  }
}
