/// What comparing one set of results with a case's expectation gives.
struct Judgement {
  var findings: [Finding] = []
  var measurements: [Measurement] = []
  /// Remarks that neither pass nor fail, such as choices too close to call.
  var notes: [String] = []
  /// Of a truth case: how far the logits are from the true ones.
  var distance: TruthDistance?
  /// Of a truth case: choices of adapters, one for each token and module.
  var adapterChoices = ChoiceCount()
  /// Of a truth case: greedily chosen tokens.
  var tokenChoices = ChoiceCount()

  mutating func add(_ output: String?, _ problem: Finding.Problem) {
    findings.append(Finding(output, problem))
  }

  mutating func measure(_ output: String?, _ name: String, _ value: Double, bound: Double?) {
    let measurement = Measurement(name: name, value: value, bound: bound)
    measurements.append(measurement)
    if !measurement.isWithinBound { add(output, .bound(measurement)) }
  }

  /// Finds the first infinity or NaN at or after `start`, among values that are not compared.
  mutating func requireFinite(_ output: String, _ values: [Float], from start: Int) {
    if let element = values[start...].firstIndex(where: { !$0.isFinite }) {
      add(output, .notFinite(element: element))
    }
  }

  /// Compares two tensors bit by bit.
  mutating func compare(
    _ name: String, _ actual: GoldenTensor?, expected: GoldenTensor, tolerance: UInt64
  ) {
    guard let actual else {
      add(name, .missing(expected: expected.form))
      return
    }
    guard actual.shape == expected.shape, actual.typeName == expected.typeName else {
      add(name, .form(actual: actual.form, expected: expected.form))
      return
    }
    switch (actual.elements, expected.elements) {
    case (.float32(let actual), .float32(let values)):
      let difference = BitDifference(
        actual, expected: values, shape: expected.shape, tolerance: tolerance)
      if let difference { add(name, .bits(difference)) }
    case (.int64(let actual), .int64(let values)):
      compareIntegers(name, actual, expected: values, shape: expected.shape)
    default:
      add(name, .other("is binary64, which has no bits to compare"))
    }
  }

  private mutating func compareIntegers(
    _ name: String, _ actual: [Int64], expected: [Int64], shape: [Int]
  ) {
    let differing = zip(actual, expected).enumerated().filter { $0.element.0 != $0.element.1 }
    guard let first = differing.first else { return }
    add(
      name,
      .integers(
        position: BitDifference.position(of: first.offset, in: shape), actual: first.element.0,
        expected: first.element.1, count: differing.count, total: expected.count))
  }
}
