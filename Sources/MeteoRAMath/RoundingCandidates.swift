/// The binary32 values that a positive result, known up to a relative error, can round to.
///
/// Rounding is monotonic: where the smallest and the largest possible true value round to the same
/// number, so does the true value. Otherwise the two are neighbours, and the true value must be
/// compared with the point halfway between them.
struct RoundingCandidates {
  let lower: Float
  let upper: Float

  /// - Parameters:
  ///   - approximation: A positive value, or zero or +∞ if certain.
  ///   - relativeError: Bounds |approximation − true value| / true value with a few units of 2⁻⁵³
  ///     to spare, which the two products here may lose.
  @inline(__always)
  init(_ approximation: Double, relativeError: Double) {
    lower = Float(approximation * (1 - relativeError))
    upper = Float(approximation * (1 + relativeError))
  }

  var areEqual: Bool {
    @inline(__always) get { lower == upper }
  }

  /// The point halfway between the two; exact, since it has at most 25 significant bits.
  ///
  /// Infinity counts as 2¹²⁸, as IEEE 754 has it: values from 2¹²⁸ − 2¹⁰³ on overflow.
  var midpoint: Double {
    let end = upper.isInfinite ? 0x1p128 : Double(upper)
    return (Double(lower) + end) * 0.5
  }

  /// The candidate with the even significand.
  var even: Float { lower.bitPattern & 1 == 0 ? lower : upper }
}
