import MeteoRASafetensors

// The truth tier: results in binary32 against the same computation in binary64 by PyTorch.
//
// model_distance: logits [T, V], and per routed module selected [T, k] and gate_logits [T, L]
//   selected  = the true choice, see Expectation+Choices
//   max_abs   = the largest |logits − logits64|; the gate logits have the same bound
//   rms_ratio = the RMS of logits − logits64, over reference_rms: that of PyTorch's own binary32
//               logits, of the tokens before the first for which it takes other adapters itself
//   Only the tokens before the first that takes other adapters, where it may, are measured: at
//   least one, or a pass would say nothing. The logits of the others have to be numbers.
// generate_distance: new_ids, equal up to a step where the best logit leads by less than the bound;
//   what follows such a step is another text.

extension Expectation {
  func judgeDistance(
    _ actual: [String: GoldenTensor], maximumAbsolute: Double, rmsRatio: Double,
    _ judgement: inout Judgement
  ) throws(VerificationError) {
    let truth = try truthValues("logits64")
    let reference = try truthValues("reference_rms").values
    guard reference.count == 1, truth.shape.count == 2 else { throw inapplicable }
    let modules = try golden.routedModules()
    let tokens =
      modules.isEmpty
      ? truth.shape[0] : try judgeChoices(of: modules, in: actual, &judgement)
    if tokens == 0 { judgement.add("logits", .notCompared) }
    if let logits = floats("logits", of: actual, shape: truth.shape, &judgement) {
      let judged = tokens * truth.shape[1]
      judgement.requireFinite("logits", logits, from: judged)
      let distance = TruthDistance(
        errors: zip(logits, truth.values).prefix(judged).map { Double($0) - $1 },
        referenceRMS: reference[0], maximumBound: maximumAbsolute, ratioBound: rmsRatio)
      judgement.measure("logits", "max_abs", distance.maximumAbsolute, bound: maximumAbsolute)
      judgement.measure("logits", "rms", distance.rms, bound: nil)
      judgement.measure("logits", "reference_rms", distance.referenceRMS, bound: nil)
      judgement.measure("logits", "rms_ratio", distance.ratio, bound: rmsRatio)
      // Nothing compared has no distance.
      if distance.count > 0 { judgement.distance = distance }
    }
    if tensors["gate_logits64"] != nil {
      try judgeGates(
        of: modules, in: actual, tokens: tokens, maximumAbsolute: maximumAbsolute, &judgement)
    }
  }

  /// Measures the gate logits of the first `tokens` tokens.
  private func judgeGates(
    of modules: [String], in actual: [String: GoldenTensor], tokens: Int, maximumAbsolute: Double,
    _ judgement: inout Judgement
  ) throws(VerificationError) {
    let truth = try truthValues("gate_logits64")
    guard truth.shape.count == 3, truth.shape[0] == modules.count, tokens <= truth.shape[1] else {
      throw inapplicable
    }
    let shape = Array(truth.shape.dropFirst())
    var errors: [Double] = []
    for (index, module) in modules.enumerated() {
      let name = GoldenCase.gateLogits(of: module)
      guard let logits = floats(name, of: actual, shape: shape, &judgement) else { continue }
      judgement.requireFinite(name, logits, from: tokens * shape[1])
      let expected = truth.values.dropFirst(index * logits.count)
      errors += zip(logits, expected).prefix(tokens * shape[1]).map { Double($0) - $1 }
    }
    // Without one gate logit there is no largest error.
    if errors.isEmpty { return }
    judgement.measure(nil, "gate max_abs", errors.largestMagnitude, bound: maximumAbsolute)
  }

  /// - Returns: Whether the tokens are equal to the end.
  func judgeGreedy(
    _ actual: [String: GoldenTensor], closeBelow bound: Double, _ judgement: inout Judgement
  ) throws(VerificationError) -> Bool {
    let gaps = try truthValues("gap64").values
    guard case .int64(let expected) = tensors["new_ids"]?.elements, expected.count == gaps.count
    else { throw inapplicable }
    guard let tensor = actual["new_ids"] else {
      judgement.add("new_ids", .missing(expected: "I64 [\(expected.count)]"))
      return false
    }
    guard case .int64(let ids) = tensor.elements, tensor.shape.count == 1 else {
      judgement.add("new_ids", .form(actual: tensor.form, expected: "I64 [\(expected.count)]"))
      return false
    }
    for (step, gap) in gaps.enumerated() {
      let isEqual = step < ids.count && ids[step] == expected[step]
      let mayDiffer = step < ids.count && gap < bound
      judgement.tokenChoices.add(gap: gap, bound: bound)
      if isEqual { continue }
      if mayDiffer {
        judgement.tokenChoices.differing += 1
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
    judgement.notes.append(
      "\(gaps.count) tokens equal, \(judgement.tokenChoices.close) of them close")
    return ids.count == expected.count
  }

  // MARK: Values

  /// A float tensor of the case.
  func truthValues(
    _ name: String
  ) throws(VerificationError) -> (values: [Double], shape: [Int]) {
    guard let tensor = tensors[name] else { throw inapplicable }
    switch tensor.elements {
    case .float64(let values): return (values, tensor.shape)
    case .float32(let values): return (values.map(Double.init), tensor.shape)
    case .int64: throw inapplicable
    }
  }

  private func floats(
    _ name: String, of actual: [String: GoldenTensor], shape: [Int], _ judgement: inout Judgement
  ) -> [Float]? {
    guard let tensor = actual[name] else {
      judgement.add(name, .missing(expected: "F32 \(shape)"))
      return nil
    }
    guard case .float32(let values) = tensor.elements, tensor.shape == shape else {
      judgement.add(name, .form(actual: tensor.form, expected: "F32 \(shape)"))
      return nil
    }
    return values
  }
}
