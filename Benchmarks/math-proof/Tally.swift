import MeteoRAMath

/// One argument (two for pow) with our result.
struct Record: Sendable {
  let function: String
  let x: Float
  let y: Float?
  let result: Float
  /// The distance of the true value from the nearest midpoint, in units of the result's spacing.
  let share: Double
}

/// What the proof found.
struct Tally: Sendable {
  /// Results that the double-word evaluation certifies.
  var certified: UInt64 = 0
  /// Results that a rule fixes: NaN, zeros, infinities, certain overflow and underflow.
  var byRule: UInt64 = 0
  var undecided: [Record] = []
  var misrounded: [Record] = []
  /// Certified results whose true value is nearest to a midpoint.
  var hardest: [Record] = []
  static let hardestCount = 256

  /// Enters one vector of verdicts.
  ///
  /// - Parameters:
  ///   - skipped: A lane that a rule decides.
  @inline(__always)
  mutating func enter(
    _ verdicts: Verdicts, function: String, x: SIMD8<Float>, y: SIMD8<Float>? = nil,
    results: SIMD8<Float>, skipped: Int? = nil
  ) {
    if verdicts.areAllCertified, !verdicts.anyIsHard {
      certified += 8
      return
    }
    let lanes = (0..<8).filter { $0 != skipped }
    enterSingly(verdicts, function: function, x: x, y: y, results: results, lanes: lanes)
  }

  /// Enters the verdicts of some lanes.
  @inline(never)
  mutating func enterSingly(
    _ verdicts: Verdicts, function: String, x: SIMD8<Float>, y: SIMD8<Float>?,
    results: SIMD8<Float>, lanes: some Sequence<Int>
  ) {
    for lane in lanes {
      let (distance, tolerance) = (verdicts.distance[lane], verdicts.tolerance[lane])
      let record = Record(
        function: function, x: x[lane], y: y?[lane], result: results[lane],
        share: verdicts.share[lane])
      if distance > tolerance {
        certified += 1
        if record.share < 0x1p-21 { hardest.append(record) }
      } else if distance >= -tolerance {
        undecided.append(record)
      } else {
        misrounded.append(record)
      }
    }
  }

  /// Enters a result that must have the bits of `expected`.
  mutating func enter(
    _ result: Float, expected: Float, function: String, x: Float, y: Float? = nil
  ) {
    if BitEquality.equal(result, expected) {
      byRule += 1
    } else {
      misrounded.append(Record(function: function, x: x, y: y, result: result, share: .nan))
    }
  }

  mutating func merge(_ other: Tally) {
    certified += other.certified
    byRule += other.byRule
    undecided += other.undecided
    misrounded += other.misrounded
    hardest += other.hardest
    if hardest.count > 2 * Self.hardestCount { keepHardest() }
  }

  mutating func keepHardest() {
    hardest.sort { ($0.share, $0.x) < ($1.share, $1.x) }
    hardest.removeLast(max(0, hardest.count - Self.hardestCount))
  }
}
