import MeteoRAMath

// OneArgumentProof: every binary32 argument of exp, log, sin and cos, in chunks of 2¹⁶ bit patterns.
//
// A chunk's results come from the vector form; the scalar form must give the same bits. Then:
//   exp:  eˣ lies inside the bracket of the result.
//   log:  e^(lower midpoint) < x < e^(upper midpoint). No logarithm takes part.
//   sin, cos: the value lies inside the bracket, for x > 0; for −x the result must be the mirrored one.

/// The functions of one argument.
enum OneArgumentFunction: String, CaseIterable, Sendable {
  case exp, log, sin, cos

  func apply(to values: UnsafeMutableBufferPointer<Float>) {
    switch self {
    case .exp: CorrectlyRounded.exp(inPlace: values)
    case .log: CorrectlyRounded.log(inPlace: values)
    case .sin: CorrectlyRounded.sin(inPlace: values)
    case .cos: CorrectlyRounded.cos(inPlace: values)
    }
  }

  func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .exp: CorrectlyRounded.exp(x)
    case .log: CorrectlyRounded.log(x)
    case .sin: CorrectlyRounded.sin(x)
    case .cos: CorrectlyRounded.cos(x)
    }
  }
}

struct OneArgumentProof: Sendable {
  static let chunkCount = 1 << 16
  private static let chunkLength = 1 << 16

  let function: OneArgumentFunction
  private let exponential = ExponentialSeries()
  private let angles = AngleSeries()

  init(_ function: OneArgumentFunction) {
    self.function = function
  }

  /// Judges the arguments with the upper 16 bits `chunk`.
  func judge(chunk: Int, into tally: inout Tally) {
    let first = UInt32(chunk) << 16
    var results = (0..<Self.chunkLength).map { Float(bitPattern: first | UInt32($0)) }
    results.withUnsafeMutableBufferPointer { function.apply(to: $0) }
    for offset in 0..<Self.chunkLength {
      let x = Float(bitPattern: first | UInt32(offset))
      let scalar = function(x)
      if !BitEquality.equal(scalar, results[offset]) {
        tally.misrounded.append(
          Record(function: function.rawValue, x: x, y: nil, result: scalar, share: .nan))
      }
    }
    results.withUnsafeBytes { bytes in
      switch function {
      case .exp: judgeExp(first, bytes, &tally)
      case .log: judgeLog(first, bytes, &tally)
      case .sin: judgeSinCos(first, bytes, cosine: false, &tally)
      case .cos: judgeSinCos(first, bytes, cosine: true, &tally)
      }
    }
  }

  private func judgeExp(_ first: UInt32, _ results: UnsafeRawBufferPointer, _ tally: inout Tally) {
    // e^±104 lies beyond the thresholds of overflow and underflow.
    guard first & 0x7FFF_FFFF < Float(104).bitPattern else {
      for offset in 0..<Self.chunkLength {
        let x = Float(bitPattern: first | UInt32(offset))
        tally.enter(
          result(results, offset), expected: x.isNaN ? .nan : x < 0 ? 0 : .infinity,
          function: "exp", x: x)
      }
      return
    }
    for offset in stride(from: 0, to: Self.chunkLength, by: 8) {
      let x = arguments(first, offset)
      let y = vector(results, offset)
      let truth = exponential(Lanes(x))
      let verdicts = Verdicts(
        truth: truth, bracket: Bracket(around: y),
        tolerance: truth.hi * (2 * ExponentialSeries.relativeError))
      tally.enter(verdicts, function: "exp", x: x, results: y)
    }
  }

  private func judgeLog(_ first: UInt32, _ results: UnsafeRawBufferPointer, _ tally: inout Tally) {
    guard first < Float.infinity.bitPattern else {
      for offset in 0..<Self.chunkLength {
        let x = Float(bitPattern: first | UInt32(offset))
        tally.enter(
          result(results, offset), expected: x == 0 ? -.infinity : x == .infinity ? x : .nan,
          function: "log", x: x)
      }
      return
    }
    // log 0 and log 1, the first elements of their chunks.
    var skipped: Int?
    if first == 0 || first == Float(1).bitPattern {
      skipped = 0
      tally.enter(
        result(results, 0), expected: first == 0 ? -.infinity : 0, function: "log",
        x: Float(bitPattern: first))
    }
    let sign: Float = first < Float(1).bitPattern ? -1 : 1
    for offset in stride(from: 0, to: Self.chunkLength, by: 8) {
      let x = arguments(first, offset)
      let y = vector(results, offset)
      let bracket = Bracket(around: y * sign)
      let inner = exponential(bracket.lower * Double(sign))
      let outer = exponential(bracket.upper * Double(sign))
      let (low, high) = sign > 0 ? (inner, outer) : (outer, inner)
      let value = Lanes(x)
      let above = (value - low.hi) - low.lo
      let below = (high.hi - value) + high.lo
      let distance = below.replacing(with: above, where: above .< below)
      let verdicts = Verdicts(
        distance: distance, spacing: bracket.spacing * value,
        tolerance: value * (3 * ExponentialSeries.relativeError))
      tally.enter(verdicts, function: "log", x: x, results: y, skipped: skipped)
      skipped = nil
    }
  }

  private func judgeSinCos(
    _ first: UInt32, _ results: UnsafeRawBufferPointer, cosine: Bool, _ tally: inout Tally
  ) {
    let name = function.rawValue
    let magnitude = first & 0x7FFF_FFFF
    if magnitude >= Float.infinity.bitPattern || first != magnitude {
      for offset in 0..<Self.chunkLength {
        let x = Float(bitPattern: first | UInt32(offset))
        let mirrored = function(x.magnitude)
        let expected = x.isFinite ? (cosine ? mirrored : -mirrored) : .nan
        tally.enter(result(results, offset), expected: expected, function: name, x: x)
      }
      return
    }
    var skipped: Int?
    if first == 0 {
      skipped = 0
      tally.enter(result(results, 0), expected: cosine ? 1 : 0, function: name, x: 0)
    }
    // Chunks below the one with π/4 need no reduction and suffer no absolute error from it.
    let isSmall = first < 0x3F49_0000
    let absoluteError = isSmall ? 0 : AngleSeries.absoluteError
    let exponent = Int(first >> 23) - 150
    for offset in stride(from: 0, to: Self.chunkLength, by: 8) {
      let x = arguments(first, offset)
      let y = vector(results, offset)
      var quadrant = SIMD8<UInt64>(repeating: cosine ? 1 : 0)
      let angle: DoubleWord
      if isSmall {
        angle = DoubleWord(hi: Lanes(x), lo: Lanes())
      } else {
        let significands = Lanes(x) * Double(sign: .plus, exponent: -exponent, significand: 1)
        let reduced = angles.reduce(significands: significands, exponent: exponent)
        angle = reduced.remainder
        quadrant = (quadrant &+ reduced.quadrant) & 3
      }
      let (sine, other) = (angles.sine(angle), angles.cosine(angle))
      let isOther = (quadrant & 1) .== 1
      let hi = sine.hi.replacing(with: other.hi, where: isOther)
      let lo = sine.lo.replacing(with: other.lo, where: isOther)
      let sign = Lanes(repeating: 1).replacing(with: -1, where: (quadrant & 2) .== 2)
      let signOfTruth = sign.replacing(with: -sign, where: hi .< 0)
      // Both as magnitudes: a result with the wrong sign turns negative and falls out.
      let truth = DoubleWord(hi: hi * sign * signOfTruth, lo: lo * sign * signOfTruth)
      let verdicts = Verdicts(
        truth: truth, bracket: Bracket(around: y * SIMD8<Float>(signOfTruth)),
        tolerance: truth.hi * (2 * AngleSeries.relativeError) + 2 * absoluteError)
      tally.enter(verdicts, function: name, x: x, results: y, skipped: skipped)
      skipped = nil
    }
  }

  @inline(__always)
  private func arguments(_ first: UInt32, _ offset: Int) -> SIMD8<Float> {
    let lanes = SIMD8<UInt32>(0, 1, 2, 3, 4, 5, 6, 7)
    return unsafeBitCast((first | UInt32(offset)) &+ lanes, to: SIMD8<Float>.self)
  }

  @inline(__always)
  private func vector(_ results: UnsafeRawBufferPointer, _ offset: Int) -> SIMD8<Float> {
    results.loadUnaligned(fromByteOffset: 4 * offset, as: SIMD8<Float>.self)
  }

  @inline(__always)
  private func result(_ results: UnsafeRawBufferPointer, _ offset: Int) -> Float {
    results.loadUnaligned(fromByteOffset: 4 * offset, as: Float.self)
  }
}
