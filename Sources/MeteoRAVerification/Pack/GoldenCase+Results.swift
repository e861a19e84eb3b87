import MeteoRASafetensors

/// A tensor that another implementation hands in for a case, under the name `{case}/{output}`.
public struct ResultTensor: Sendable, Equatable {
  /// The output's name: what follows the case's id and a `/`.
  public let output: String
  /// What its elements are compared as: `F32`, `F64` or `I64`.
  public let typeName: String
  /// Outermost size first; empty for a scalar.
  public let shape: [Int]
}

extension GoldenCase {
  /// Whether results are tensors, which another implementation can hand in. Also of an operation
  /// that is not known here, if its outputs are tensors.
  var yieldsTensors: Bool {
    // The truth of training lists files, and is judged by where weights began: not handed in.
    if case .training = check { return false }
    return GoldenOperation(rawValue: operation)?.yieldsTensors
      ?? outputs.contains { $0.tensor != nil }
  }

  /// The tensors that another implementation hands in for this case; none if its results are no
  /// tensors.
  ///
  /// They are the case's outputs, but for cases of the truth: those list the values in binary64 and
  /// how clear its choices are, while the results are what the same model gives in binary32.
  ///
  /// - Throws: ``VerificationError/inapplicableCheck(case:operation:)`` if the check compares no
  ///   tensors, or what a case of the truth lists does not fit together.
  public func resultTensors() throws(VerificationError) -> [ResultTensor] {
    guard yieldsTensors else { return [] }
    switch check {
    case .bits, .ulp:
      return outputs.compactMap { output in
        output.tensor.map { tensor in
          ResultTensor(
            output: output.name, typeName: GoldenTensor.typeName(of: tensor.dtype),
            shape: tensor.shape)
        }
      }
    case .distance:
      return try distanceResults()
    case .equalUnlessGapBelow:
      guard let ids = shape(ofOutput: "new_ids", rank: 1) else { throw inapplicable }
      return [ResultTensor(output: "new_ids", typeName: "I64", shape: ids)]
    case .training, .words, .loads:
      throw inapplicable
    }
  }

  /// The logits; of each routed module its choices and, if the truth has them, its gate logits.
  private func distanceResults() throws(VerificationError) -> [ResultTensor] {
    guard let logits = shape(ofOutput: "logits64", rank: 2) else { throw inapplicable }
    var results = [ResultTensor(output: "logits", typeName: "F32", shape: logits)]
    let modules = try routedModules()
    if modules.isEmpty { return results }
    guard let selected = shape(ofOutput: "selected", rank: 3) else { throw inapplicable }
    let gates = shape(ofOutput: "gate_logits64", rank: 3)
    for module in modules {
      results.append(
        ResultTensor(
          output: Self.selected(of: module), typeName: "I64", shape: Array(selected.dropFirst())))
      if let gates {
        results.append(
          ResultTensor(
            output: Self.gateLogits(of: module), typeName: "F32", shape: Array(gates.dropFirst())))
      }
    }
    return results
  }

  private func shape(ofOutput name: String, rank: Int) -> [Int]? {
    guard let shape = output(named: name)?.tensor?.shape, shape.count == rank else { return nil }
    return shape
  }

  /// The modules that choose adapters, in the order of a forward pass, such as `layers.0.q_proj`;
  /// none if the case has no routing.
  func routedModules() throws(VerificationError) -> [String] {
    do throws(JSONError) {
      guard let list = try parameters.optional("modules") else { return [] }
      var modules: [String] = []
      for element in try list.elementsValue() { modules.append(try element.stringValue()) }
      return modules
    } catch {
      throw .json(case: id, error)
    }
  }

  /// The result with the adapters that a module chooses.
  static func selected(of module: String) -> String { "\(module).selected" }

  /// The result with the gate logits of a module.
  static func gateLogits(of module: String) -> String { "\(module).gate_logits" }

  var inapplicable: VerificationError { .inapplicableCheck(case: id, operation: operation) }
}
