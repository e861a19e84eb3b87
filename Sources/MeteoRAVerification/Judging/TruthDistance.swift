/// How far the logits of one case are from the true ones.
public struct TruthDistance: Sendable, Equatable {
  /// Logits that were compared: those of the tokens before the first that chose other adapters.
  public let count: Int
  /// The largest magnitude of a difference; NaN if there is one.
  public let maximumAbsolute: Double
  /// The root of the mean squared difference.
  public let rms: Double
  /// The same of PyTorch's own binary32.
  public let referenceRMS: Double
  /// The largest `maximumAbsolute` that passes.
  public let maximumBound: Double
  /// The largest `rms / referenceRMS` that passes.
  public let ratioBound: Double

  /// `rms` over `referenceRMS`.
  public var ratio: Double { rms / referenceRMS }

  /// - Parameter errors: Differences of the logits from the true ones.
  init(errors: [Double], referenceRMS: Double, maximumBound: Double, ratioBound: Double) {
    count = errors.count
    maximumAbsolute = errors.largestMagnitude
    rms = (errors.reduce(0) { $0 + $1 * $1 } / Double(max(errors.count, 1))).squareRoot()
    self.referenceRMS = referenceRMS
    self.maximumBound = maximumBound
    self.ratioBound = ratioBound
  }
}

/// How many choices were compared with the true ones.
public struct ChoiceCount: Sendable, Equatable {
  /// All of them: tokens, or adapters once for each token and module.
  public internal(set) var total = 0
  /// Those that the truth itself makes by less than their bound: binary32 may choose otherwise.
  public internal(set) var close = 0
  /// Those of the close ones that were made otherwise.
  public internal(set) var differing = 0
  /// The bounds, which are of the cases: the least and the largest; `nil` without choices.
  public internal(set) var bounds: ClosedRange<Double>?

  /// - Parameter gap: By how much the truth makes it.
  mutating func add(gap: Double, bound: Double) {
    total += 1
    if gap < bound { close += 1 }
    bounds = (bound...bound).joined(with: bounds)
  }

  static func + (a: ChoiceCount, b: ChoiceCount) -> ChoiceCount {
    var sum = a
    sum.total += b.total
    sum.close += b.close
    sum.differing += b.differing
    sum.bounds = b.bounds.map { $0.joined(with: a.bounds) } ?? a.bounds
    return sum
  }
}

extension ClosedRange<Double> {
  /// The least range that holds both.
  func joined(with other: ClosedRange?) -> ClosedRange {
    guard let other else { return self }
    return Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
  }
}

extension [Double] {
  /// The largest magnitude; NaN if there is one.
  var largestMagnitude: Double {
    reduce(0) { largest, value in
      value.isNaN || largest.isNaN ? .nan : Swift.max(largest, value.magnitude)
    }
  }
}
