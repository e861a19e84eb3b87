// The truth tier: results in binary32 against the same computation in binary64 by PyTorch.
//
// model_distance: logits [T, V], and per routed module gate_logits [T, L] and selected [T, k]
//   max_abs   = the largest |logits − logits64|; the gate logits have the same bound
//   rms_ratio = the RMS of logits − logits64, over that of PyTorch's own binary32 logits
//   selected equals the true choice, but where the k-th gate logit leads the next by less than 1e-4
// generate_distance: new_ids, equal up to a step where the best logit leads by less than the bound;
//   what follows such a step is another text.

extension Expectation {
  /// A lead of a gate logit below which binary32 may choose otherwise.
  private static let closeGates = 1e-4

  func judgeDistance(
    _ actual: [String: GoldenTensor], maximumAbsolute: Double, rmsRatio: Double,
    _ judgement: inout Judgement
  ) throws(VerificationError) {
    let truth = try truthValues("logits64")
    let reference = try truthValues("reference_rms").values
    guard reference.count == 1 else { throw inapplicable }
    if let logits = floats("logits", of: actual, shape: truth.shape, &judgement) {
      let errors = zip(logits, truth.values).map { Double($0) - $1 }
      let rms = (errors.reduce(0) { $0 + $1 * $1 } / Double(max(errors.count, 1))).squareRoot()
      judgement.measure(
        "logits", "max_abs", Self.largestMagnitude(errors), bound: maximumAbsolute)
      judgement.measure("logits", "rms", rms, bound: nil)
      judgement.measure("logits", "reference_rms", reference[0], bound: nil)
      judgement.measure("logits", "rms_ratio", rms / reference[0], bound: rmsRatio)
    }
    try judgeGates(actual, maximumAbsolute: maximumAbsolute, &judgement)
  }

  /// The modules are those whose true gate logits the case lists.
  private func judgeGates(
    _ actual: [String: GoldenTensor], maximumAbsolute: Double, _ judgement: inout Judgement
  ) throws(VerificationError) {
    let suffix = ".gate_logits64"
    let modules = golden.outputs.map { Array($0.name.utf8) }
      .filter { $0.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }
      .map { String(decoding: $0.dropLast(suffix.utf8.count), as: UTF8.self) }
    if modules.isEmpty { return }
    var errors: [Double] = []
    var (choices, close) = (0, 0)
    for module in modules {
      let truth = try truthValues(module + suffix)
      let gaps = try truthValues(module + ".gap64").values
      let logits = floats("\(module).gate_logits", of: actual, shape: truth.shape, &judgement)
      errors += zip(logits ?? [], truth.values).map { Double($0) - $1 }
      choices += gaps.count
      close += gaps.count { $0 < Self.closeGates }
      try judgeChoices("\(module).selected", of: actual, gaps: gaps, &judgement)
    }
    judgement.measure(
      nil, "gate max_abs", Self.largestMagnitude(errors), bound: maximumAbsolute)
    judgement.notes.append("\(choices) choices of adapters, \(close) too close to call")
  }

  /// Compares the selected adapters of a module, token by token.
  private func judgeChoices(
    _ name: String, of actual: [String: GoldenTensor], gaps: [Double],
    _ judgement: inout Judgement
  ) throws(VerificationError) {
    guard let selected = tensors[name], selected.shape.count == 2,
      case .int64(let expected) = selected.elements, selected.shape[0] == gaps.count
    else { throw inapplicable }
    guard let chosen = integers(name, of: actual, shape: selected.shape, &judgement) else {
      return
    }
    for (token, gap) in gaps.enumerated() where gap >= Self.closeGates {
      let choice = token * selected.shape[1]..<(token + 1) * selected.shape[1]
      if chosen[choice] != expected[choice] {
        judgement.add(
          name,
          .choice(
            position: [token], actual: Array(chosen[choice]), expected: Array(expected[choice]),
            gap: gap))
      }
    }
  }

  /// - Returns: Whether the tokens are equal to the end.
  func judgeGreedy(
    _ actual: [String: GoldenTensor], closeBelow bound: Double, _ judgement: inout Judgement
  ) throws(VerificationError) -> Bool {
    let gaps = try truthValues("gap64").values
    guard case .int64(let expected) = tensors["new_ids"]?.elements, expected.count == gaps.count
    else { throw inapplicable }
    guard let tensor = actual["new_ids"] else {
      judgement.add("new_ids", .missing)
      return false
    }
    guard case .int64(let ids) = tensor.elements, tensor.shape.count == 1 else {
      judgement.add("new_ids", .form(actual: tensor.form, expected: "I64 [\(expected.count)]"))
      return false
    }
    for (step, gap) in gaps.enumerated() {
      if step < ids.count, ids[step] == expected[step] { continue }
      if step < ids.count, gap < bound {
        judgement.notes.append("tokens differ from step \(step) on, where the lead is \(gap)")
        return false
      }
      judgement.add(
        "new_ids",
        .choice(
          position: [step], actual: step < ids.count ? [ids[step]] : [], expected: [expected[step]],
          gap: gap))
      return false
    }
    if ids.count > expected.count {
      judgement.add(
        "new_ids", .form(actual: tensor.form, expected: "I64 [\(expected.count)]"))
    }
    let close = gaps.count { $0 < bound }
    judgement.notes.append("\(gaps.count) tokens equal, \(close) of them close")
    return ids.count == expected.count
  }

  // MARK: Values

  private func truthValues(
    _ name: String
  ) throws(VerificationError) -> (values: [Double], shape: [Int]) {
    guard let tensor = tensors[name], case .float64(let values) = tensor.elements else {
      throw inapplicable
    }
    return (values, tensor.shape)
  }

  private func floats(
    _ name: String, of actual: [String: GoldenTensor], shape: [Int], _ judgement: inout Judgement
  ) -> [Float]? {
    guard let tensor = actual[name] else {
      judgement.add(name, .missing)
      return nil
    }
    guard case .float32(let values) = tensor.elements, tensor.shape == shape else {
      judgement.add(name, .form(actual: tensor.form, expected: "F32 \(shape)"))
      return nil
    }
    return values
  }

  private func integers(
    _ name: String, of actual: [String: GoldenTensor], shape: [Int], _ judgement: inout Judgement
  ) -> [Int64]? {
    guard let tensor = actual[name] else {
      judgement.add(name, .missing)
      return nil
    }
    guard case .int64(let values) = tensor.elements, tensor.shape == shape else {
      judgement.add(name, .form(actual: tensor.form, expected: "I64 \(shape)"))
      return nil
    }
    return values
  }

  /// The largest magnitude; NaN if there is one.
  private static func largestMagnitude(_ values: [Double]) -> Double {
    values.reduce(0) { largest, value in
      value.isNaN || largest.isNaN ? .nan : max(largest, value.magnitude)
    }
  }
}
