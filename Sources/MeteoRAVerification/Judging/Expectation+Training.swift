import MeteoRASafetensors

// The truth tier of training: gradients and changes of weights in binary32 against the same in
// binary64 by PyTorch.
//
//   gradient.{tensor}   ‖g − g64‖ / ‖g64‖, at most ratio × the largest such error of PyTorch's own
//                       binary32 over equal models in other orders; zero where g64 is
//   step{n}.{tensor}    ‖Δw − Δw64‖ / ‖Δw64‖, at most updateError, Δw the change since the start
//   losses and norms    relative error at most updateError

extension Expectation {
  func judgeTraining(
    _ actual: [String: GoldenTensor], ratio: Double, updateError: Double,
    _ judgement: inout Judgement
  ) throws(VerificationError) {
    let prefix = "gradient."
    let names = trainedTensors.keys.filter { $0.utf8.starts(with: prefix.utf8) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let largest = try truthValues("gradient_error32_max").values
    let means = try truthValues("gradient_error32_mean").values
    guard largest.count == names.count, means.count == names.count, !names.isEmpty else {
      throw inapplicable
    }
    var ratios: [Double] = []
    var worst = Worst()
    for (index, name) in names.enumerated() {
      guard let error = try relativeError(name, actual, from: nil, &judgement) else { continue }
      if largest[index] == 0 {
        if error != 0 { judgement.measure(name, "error where PyTorch has none", error, bound: 0) }
        continue
      }
      worst.add(name, error / largest[index])
      ratios.append(error / means[index])
    }
    worst.measure("gradient error / PyTorch's largest", bound: ratio, &judgement)
    if !ratios.isEmpty {
      let mean = ratios.reduce(0, +) / Double(ratios.count)
      judgement.measure(nil, "mean of gradient error / PyTorch's mean", mean, bound: nil)
    }
    try judgeUpdates(actual, bound: updateError, &judgement)
    for name in ["language_losses", "gate_losses", "losses", "norms"] {
      guard tensors["\(name)64"] != nil else { continue }
      let truth = try truthValues("\(name)64")
      guard case .float32(let values) = actual[name]?.elements, values.count == truth.values.count
      else {
        judgement.add(name, .missing(expected: "F32 \(truth.shape)"))
        continue
      }
      let error = zip(values, truth.values).map { (Double($0) - $1).magnitude / $1.magnitude }
      judgement.measure(name, "relative error", error.largestMagnitude, bound: updateError)
    }
  }

  private func judgeUpdates(
    _ actual: [String: GoldenTensor], bound: Double, _ judgement: inout Judgement
  ) throws(VerificationError) {
    var worst = Worst()
    for name in trainedTensors.keys.sorted() where name.utf8.starts(with: "step".utf8) {
      guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")) else { throw inapplicable }
      let tensor = String(name[name.index(after: dot)...])
      let error = try relativeError(name, actual, from: "initial.\(tensor)", &judgement)
      if let error { worst.add(name, error) }
    }
    worst.measure("error of a change", bound: bound, &judgement)
  }

  /// ‖a − t‖ / ‖t − s‖, where s are values to begin with, or 0; 0 if nothing changes, and a = t.
  private func relativeError(
    _ name: String, _ actual: [String: GoldenTensor], from start: String?,
    _ judgement: inout Judgement
  ) throws(VerificationError) -> Double? {
    guard case .float64(let truth) = trainedTensors[name]?.elements,
      let shape = trainedTensors[name]?.shape
    else { throw inapplicable }
    guard let tensor = actual[name] else {
      judgement.add(name, .missing(expected: "F32 \(shape)"))
      return nil
    }
    guard case .float32(let values) = tensor.elements, tensor.shape == shape else {
      judgement.add(name, .form(actual: tensor.form, expected: "F32 \(shape)"))
      return nil
    }
    var before = [Double](repeating: 0, count: truth.count)
    if let start {
      guard case .float32(let values) = actual[start]?.elements, values.count == truth.count else {
        judgement.add(start, .missing(expected: "F32 \(shape)"))
        return nil
      }
      before = values.map(Double.init)
    }
    func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let error = norm(zip(values, truth).map { Double($0) - $1 })
    let size = norm(zip(truth, before).map { $0 - $1 })
    return error == 0 ? 0 : error / size
  }
}

/// The largest of some numbers, and what it is of.
private struct Worst {
  private var value: (name: String, value: Double)?

  /// NaN is larger than any number.
  mutating func add(_ name: String, _ other: Double) {
    if let value, !(other > value.value || other.isNaN) { return }
    value = (name, other)
  }

  func measure(_ what: String, bound: Double, _ judgement: inout Judgement) {
    guard let value else { return }
    judgement.measure(value.name, what, value.value, bound: bound)
  }
}
