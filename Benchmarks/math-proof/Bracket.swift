/// The midpoints to both sides of binary32 results ≥ 0: a result is correctly rounded if the true
/// value lies strictly between them.
struct Bracket {
  let lower: Lanes
  let upper: Lanes
  /// The spacing of the binary32 numbers below the results.
  let spacing: Lanes

  @inline(__always)
  init(around results: SIMD8<Float>) {
    let bits = unsafeBitCast(results, to: SIMD8<UInt32>.self)
    let value = Self.widened(bits)
    // Below 0 lies the smallest negative number. Infinity has nothing above: all larger values
    // round to it.
    let below = Self.widened(bits &- 1).replacing(with: -0x1p-149, where: value .== 0)
    let above = Self.widened(bits &+ 1).replacing(with: 0x1p1000, where: value .== 0x1p128)
    // Exact: the midpoint of neighbours has one bit more than they have.
    lower = (below + value) * 0.5
    upper = (above + value) * 0.5
    spacing = value - below
  }

  /// The numbers with these bits; infinity counts as 2¹²⁸, the number that would follow.
  @inline(__always)
  private static func widened(_ bits: SIMD8<UInt32>) -> Lanes {
    let value = Lanes(unsafeBitCast(bits, to: SIMD8<Float>.self))
    return value.replacing(with: 0x1p128, where: value .== .infinity)
  }
}

/// How far true values lie inside their brackets.
struct Verdicts {
  /// The distance to the nearer midpoint, negative outside, and the error that it may have.
  let distance: Lanes
  let tolerance: Lanes
  /// `distance` in units of the result's spacing: at most ½.
  let share: Lanes

  var areAllCertified: Bool {
    @inline(__always) get { all(distance .> tolerance) }
  }

  /// Whether a true value is remarkably near to a midpoint (about one in 2²⁰).
  var anyIsHard: Bool {
    @inline(__always) get { any(share .< 0x1p-21) }
  }

  /// - Parameters:
  ///   - truth: The true values, with an error of at most `tolerance`/2.
  @inline(__always)
  init(truth: DoubleWord, bracket: Bracket, tolerance: Lanes) {
    // The differences of the high words are exact or dominate; one more rounding is far below the
    // half of the tolerance that is left to it.
    let above = (truth.hi - bracket.lower) + truth.lo
    let below = (bracket.upper - truth.hi) - truth.lo
    distance = below.replacing(with: above, where: above .< below)
    share = distance / bracket.spacing
    self.tolerance = tolerance
  }

  @inline(__always)
  init(distance: Lanes, spacing: Lanes, tolerance: Lanes) {
    self.distance = distance
    self.tolerance = tolerance
    share = distance / spacing
  }
}
