/// Whether counts of draws fit probabilities: neither worse nor better than chance lets them in all
/// but two of a thousand cases.
struct ChiSquareTest: CustomStringConvertible {
  let statistic: Double
  let degreesOfFreedom: Int

  /// - Parameter probabilities: One a count; what has less than five draws on average counts
  ///   together. A count without a probability makes the statistic infinite.
  init(observed: [Int], probabilities: [Double]) {
    let draws = Double(observed.reduce(0, +))
    var statistic = 0.0
    var bins = 0
    var rest = (observed: 0.0, expected: 0.0)
    func add(_ observed: Double, _ expected: Double) {
      statistic += (observed - expected) * (observed - expected) / expected
      bins += 1
    }
    for (count, probability) in zip(observed, probabilities) where count > 0 || probability > 0 {
      let expected = probability * draws
      if expected == 0 {
        statistic = .infinity
      } else if expected < 5 {
        rest = (rest.observed + Double(count), rest.expected + expected)
      } else {
        add(Double(count), expected)
      }
    }
    if rest.expected > 0 { add(rest.observed, rest.expected) }
    self.statistic = statistic
    degreesOfFreedom = bins - 1
  }

  /// Wilson and Hilferty: the cube root of χ²/n is nearly normal.
  private func quantile(_ deviations: Double) -> Double {
    let n = Double(degreesOfFreedom)
    let root = 1 - 2 / (9 * n) + deviations * (2 / (9 * n)).squareRoot()
    return n * root * root * root
  }

  var isPassed: Bool { (quantile(-3.09)...quantile(3.09)).contains(statistic) }

  var description: String {
    "χ² = \(statistic) with \(degreesOfFreedom) degrees of freedom, expected "
      + "\(quantile(-3.09)) to \(quantile(3.09))"
  }
}
