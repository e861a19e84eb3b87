import Foundation
import MeteoRAMath

// PowProof: the frequencies of rotary embeddings, and seeded random pairs.
//
//   ln x = g + ln(1 + w),  1 + w = x · e^−g,  for a guess g;  ln(1 + w) = w − w²/2 for |w| < 2⁻⁴⁰
//   xʸ = e^(y · ln x)
//
// The guess comes from the system's logarithm. Its error does not matter, because w is computed from
// it, but |w| < 2⁻⁴⁰ is checked. ln x is off by 2⁻⁹⁶ (the exponential), y · ln x by |y| times that and
// 2⁻⁹⁸, and the last exponential adds 2⁻⁹⁶: the relative error of xʸ is below |y| · 2⁻⁹⁵ + 2⁻⁹⁵. Pairs
// whose power is itself a midpoint stay undecided.

struct PowProof: Sendable {
  static let randomChunkLength = 1_000_000

  private static let function = "pow"
  private let exponential = ExponentialSeries()

  /// Judges θ^e for e = 2i/d, 0 ≤ i < d/2, every even d ≤ 512 and the usual θ.
  func judgeRotaryFrequencies(into tally: inout Tally) {
    var batch = Batch()
    for theta: Float in [1e4, 5e5, 1e6, 8e6] {
      for dimension in stride(from: 2, through: 512, by: 2) {
        for index in 0..<(dimension / 2) {
          judge(theta, Float(2 * index) / Float(dimension), &batch, &tally)
        }
      }
    }
    flush(&batch, &tally)
  }

  /// Judges a million pairs that depend on `chunk` alone.
  func judgeRandomPairs(chunk: Int, into tally: inout Tally) {
    var pairs = PairGenerator(seed: UInt64(chunk))
    var batch = Batch()
    for _ in 0..<Self.randomChunkLength {
      let (x, y) = pairs.next()
      judge(x, y, &batch, &tally)
    }
    flush(&batch, &tally)
  }

  /// Pairs that wait for the vectors to fill.
  private struct Batch {
    var x = SIMD8<Float>(repeating: 1)
    var y = SIMD8<Float>(repeating: 1)
    var guess = Lanes()
    var count = 0
  }

  @inline(__always)
  private func judge(_ x: Float, _ y: Float, _ batch: inout Batch, _ tally: inout Tally) {
    let guess = Foundation.log(Double(x.magnitude))
    if x < 0 {
      let mirrored = CorrectlyRounded.pow(-x, y)
      let isOdd = y.truncatingRemainder(dividingBy: 2).magnitude == 1
      tally.enter(
        CorrectlyRounded.pow(x, y), expected: isOdd ? -mirrored : mirrored, function: Self.function,
        x: x, y: y)
    } else if (guess * Double(y)).magnitude > 104.5 {
      // Beyond the thresholds of overflow and underflow, whatever the last digits of the guess are.
      tally.enter(
        CorrectlyRounded.pow(x, y), expected: (guess < 0) == (y < 0) ? .infinity : 0,
        function: Self.function, x: x, y: y)
    } else {
      (batch.x[batch.count], batch.y[batch.count], batch.guess[batch.count]) = (x, y, guess)
      batch.count += 1
      if batch.count == 8 { flush(&batch, &tally) }
    }
  }

  private func flush(_ batch: inout Batch, _ tally: inout Tally) {
    var results = SIMD8<Float>()
    for lane in 0..<8 { results[lane] = CorrectlyRounded.pow(batch.x[lane], batch.y[lane]) }
    let verdicts = verdicts(batch, results)
    if batch.count == 8 {
      tally.enter(verdicts, function: Self.function, x: batch.x, y: batch.y, results: results)
    } else {
      tally.enterSingly(
        verdicts, function: Self.function, x: batch.x, y: batch.y, results: results,
        lanes: 0..<batch.count)
    }
    batch = Batch()
  }

  @inline(__always)
  private func verdicts(_ batch: Batch, _ results: SIMD8<Float>) -> Verdicts {
    let (x, y) = (Lanes(batch.x), Lanes(batch.y))
    let inverse = exponential(-batch.guess)
    let product = DoubleWord(productOf: x, inverse.hi)
    let w = DoubleWord(sumOf: product.hi - 1, product.lo + x * inverse.lo)
    let leading = DoubleWord(sumOf: batch.guess, w.hi)
    let rest = leading.lo + (w.lo - 0.5 * (w.hi * w.hi))
    let logarithm = DoubleWord(sumOf: leading.hi, rest)
    let exponent = DoubleWord(hi: y, lo: Lanes()) * logarithm
    // e^(h + l) = e^h · (1 + l + l²/2), |l| < 2⁻⁴⁶.
    let factor = DoubleWord(
      sumOf: Lanes(repeating: 1), exponent.lo + 0.5 * (exponent.lo * exponent.lo))
    let truth = exponential(exponent.hi) * factor
    let size = y.replacing(with: -y, where: y .< 0)
    let tolerance = truth.hi * ((size + 1) * 0x1p-94)
    // A guess that is not close enough certifies nothing.
    let isFar = (w.hi .> 0x1p-40) .| (w.hi .< -0x1p-40)
    return Verdicts(
      truth: truth, bracket: Bracket(around: results),
      tolerance: tolerance.replacing(with: .infinity, where: isFar))
  }
}

/// Pairs of eight kinds, from a seed.
struct PairGenerator {
  private var random: SplitMix64
  private var count = 0

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  /// The next pair: finite, x ≠ 0, and y whole if x < 0.
  mutating func next() -> (x: Float, y: Float) {
    count += 1
    switch count % 8 {
    case 0, 1, 2:
      // Any x, a result anywhere between underflow and overflow.
      return pair(anyPositive(), log2OfResult: random.uniform(-151, 129))
    case 3:
      return pair(anyPositive(), log2OfResult: random.uniform(-151, -126))
    case 4:
      let distance = random.uniform(-1, 1) * exp2(-random.uniform(1, 24))
      return pair(Float(1 + distance), log2OfResult: random.uniform(-151, 129))
    case 5:
      // A frequency of a rotary embedding.
      let dimension = 2 * (1 + random.next() % 512)
      let index = random.next() % (dimension / 2)
      return (Float(exp(random.uniform(6, 19))), Float(2 * index) / Float(dimension))
    case 6:
      return (anyPositive(), Float(random.uniform(-4, 4)))
    default:
      if random.next() % 64 == 0 { return smallNumbers() }
      return (Float(random.uniform(0, 1)), Float(random.uniform(-10, 40)))
    }
  }

  /// Few bits in both: powers that are exact, and powers that are midpoints.
  private mutating func smallNumbers() -> (x: Float, y: Float) {
    let x = Float(1 + random.next() % 8192) * Float(exp2(Double(random.next() % 9) - 4))
    let numerator = Float(Int64(random.next() % 33) - 16)
    if random.next() % 2 == 0 { return (-x, numerator) }
    return (x, numerator / 8)
  }

  private mutating func anyPositive() -> Float {
    let bits = 1 + random.next() % UInt64(Float.infinity.bitPattern - 1)
    return Float(bitPattern: UInt32(bits))
  }

  private func pair(_ x: Float, log2OfResult: Double) -> (x: Float, y: Float) {
    let y = x == 1 ? log2OfResult : log2OfResult / log2(Double(x))
    return (x == 0 ? 1 : x, Float(y))
  }
}

/// Steele, Lea and Flood's generator of 64-bit numbers.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func uniform(_ low: Double, _ high: Double) -> Double {
    low + (high - low) * Double(next() >> 11) * 0x1p-53
  }
}
