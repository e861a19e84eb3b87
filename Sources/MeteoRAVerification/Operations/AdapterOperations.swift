import MeteoRAKernels
import MeteoRASafetensors

// top_k:    logits [T, L]; top_k → selected [T, k], largest first
// routing:  logits [T, L]; top_k, temperature, allowed (or none: all adapters)
//           → selected [T, k], weights [T, k]
// lora_moe:  x [T, in], base [T, out], selected [T, k], weights [T, k], A.{i} [r, in], B.{i} [out,
// r];
//            adapters, lora_alpha [L], use_rslora [L] → delta [T, out], y [T, out]
// lora_moe_gated:  the same with gate [L, in] and the parameters of routing for selected and
// weights
//            → gate_logits [T, L], selected, weights, delta, y

extension CaseRun {
  func largest() throws(VerificationError) -> OperationOutcome {
    let logits = try floats("logits", rank: 2)
    let k = try parameters(Self.countParameter)
    let selected = try kernel { () throws(KernelError) in
      try MeteoRAKernels.topK(k, of: logits.values, rows: logits.shape[0], width: logits.shape[1])
    }
    return .tensors([
      "selected": GoldenTensor(selected.map(Int64.init), shape: [logits.shape[0], k])
    ])
  }

  func routingOfLogits() throws(VerificationError) -> OperationOutcome {
    let logits = try floats("logits", rank: 2)
    return .tensors(try routing(by: logits.values, shape: logits.shape).tensors)
  }

  func givenRouting() throws(VerificationError) -> OperationOutcome {
    let selected = try integers("selected", rank: 2)
    let weights = try floats("weights", rank: 2).values
    let bank = try bank()
    let routing = try kernel { () throws(KernelError) in
      try Routing(
        selected: selected.values.map { Int32(clamping: $0) }, weights: weights,
        tokens: selected.shape[0], topK: selected.shape[1], adapterCount: bank.adapters.count)
    }
    return .tensors(try update(routing: routing, bank: bank))
  }

  func gatedRouting() throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 2)
    let gate = try matrix("gate")
    let bank = try bank()
    let shape = [x.shape[0], gate.outFeatures]
    try requireRoom(for: "gate_logits", shape: shape)
    let logits = try kernel { () throws(KernelError) in
      try linear(x.values, rows: x.shape[0], weights: gate, parallelism: parallelism)
    }
    let routing = try routing(by: logits, shape: shape)
    var outputs = try update(routing: routing, bank: bank)
    outputs["gate_logits"] = GoldenTensor(logits, shape: shape)
    outputs.merge(routing.tensors) { $1 }
    return .tensors(outputs)
  }

  private static func countParameter(_ parameters: JSONValue) throws(JSONError) -> Int {
    try parameters.required("top_k").integerValue(in: 0...Int(Int32.max))
  }

  private func routing(by logits: [Float], shape: [Int]) throws(VerificationError) -> Routing {
    let router = try parameters { parameters throws(JSONError) in
      (
        topK: try Self.countParameter(parameters),
        temperature: Float(try parameters.required("temperature").doubleValue()),
        allowed: try parameters.optional("allowed")?.integersValue(in: 0...Int(Int32.max))
      )
    }
    return try kernel { () throws(KernelError) in
      guard let allowed = router.allowed else {
        return try Routing(
          logits: logits, tokens: shape[0], adapterCount: shape[1], topK: router.topK,
          temperature: router.temperature)
      }
      return try Routing(
        logits: logits, tokens: shape[0], adapterCount: shape[1], topK: router.topK,
        temperature: router.temperature, among: allowed)
    }
  }

  private func update(
    routing: Routing, bank: LoRABank
  ) throws(VerificationError) -> [String: GoldenTensor] {
    let x = try floats("x", rank: 2).values
    let base = try floats("base", rank: 2)
    var y = base.values
    let delta = try kernel { () throws(KernelError) in
      try execution.kernel.addDelta(
        x, routing: routing, bank: bank, to: &y, parallelism: parallelism)
    }
    return [
      "delta": GoldenTensor(delta, shape: base.shape), "y": GoldenTensor(y, shape: base.shape),
    ]
  }

  /// The adapters of the case; one without A and B leaves the layer alone.
  ///
  /// - Parameter output: An input as wide as the layer's output.
  func bank(fitting output: String = "base") throws(VerificationError) -> LoRABank {
    let settings = try parameters { parameters throws(JSONError) in
      let count = try parameters.required("adapters").integerValue(in: 1...Int(Int16.max))
      return (
        alphas: try Self.elements(parameters.required("lora_alpha"), count: count),
        stabilised: try Self.elements(parameters.required("use_rslora"), count: count)
      )
    }
    var adapters: [LoRAAdapter?] = []
    for (index, alpha) in settings.alphas.enumerated() {
      if golden.input(named: "A.\(index)") == nil && golden.input(named: "B.\(index)") == nil {
        adapters.append(nil)
        continue
      }
      let a = try matrix("A.\(index)")
      let b = try matrix("B.\(index)")
      let scaling = try parameters { _ throws(JSONError) in
        LoRAAdapter.scaling(
          alpha: try alpha.doubleValue(), rank: a.outFeatures,
          usesRankStabilization: try settings.stabilised[index].boolValue())
      }
      adapters.append(
        try kernel { () throws(KernelError) in try LoRAAdapter(a: a, b: b, scaling: scaling) })
    }
    let (x, y) = (try storedInput("x"), try storedInput(output))
    guard let inFeatures = x.shape.last, let outFeatures = y.shape.last else {
      throw .inputMismatch(
        case: golden.id, name: "x", expected: "of 2 dimensions", actual: "of shape \(x.shape)")
    }
    return try kernel { () throws(KernelError) in
      try LoRABank(adapters: adapters, outFeatures: outFeatures, inFeatures: inFeatures)
    }
  }

  private static func elements(
    _ value: JSONValue, count: Int
  ) throws(JSONError) -> [JSONValue] {
    let elements = Array(try value.elementsValue())
    guard elements.count == count else {
      throw value.mismatch(expected: "an array of \(count), one for each adapter")
    }
    return elements
  }
}

extension Routing {
  /// `selected` and `weights`, largest gate logit first.
  fileprivate var tensors: [String: GoldenTensor] {
    let choices = (0..<tokens).flatMap { selected(token: $0) }
    return [
      "selected": GoldenTensor(choices.map { Int64($0.adapter) }, shape: [tokens, topK]),
      "weights": GoldenTensor(choices.map(\.weight), shape: [tokens, topK]),
    ]
  }
}
