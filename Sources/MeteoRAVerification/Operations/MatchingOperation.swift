import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

// peft_matching:  configurations, a file of lines → what PEFT makes of each
//
//   {"name":…, "layers":n, "configuration":{adapter_config.json}, "result":"valid", "updates":[
//     {"r":8, "scaling":2.0, "modules":["0.self_attn.q_proj", …]}, …]}
//
// "valid" and "nothing" (no module) have to agree, "unsupported" has to be refused; what PEFT
// refuses has to be refused or to change nothing. Scaling is a binary64, which is rounded here.

extension CaseRun {
  func matching() throws(VerificationError) -> OperationOutcome {
    guard let input = golden.input(named: "configurations") else {
      throw .missingInput(case: golden.id, name: "configurations")
    }
    let lines = try lines(of: input.file, MatchingLine.init)
    if lines.isEmpty { return .problems(["\(input.file) has no line"]) }
    return .problems(lines.flatMap(\.problems))
  }
}

private struct MatchingLine {
  struct Update: Equatable {
    var rank: Int
    var scaling: UInt32
  }

  let name: String
  let layers: Int
  let result: String
  let configuration: JSONValue
  /// By path after `model.layers.`.
  var updates: [String: Update] = [:]

  init(_ line: JSONValue) throws(JSONError) {
    name = try line.required("name").stringValue()
    layers = try line.required("layers").integerValue(in: 1...1000)
    let result = try line.required("result")
    guard ["valid", "nothing", "refused", "unsupported"].contains(where: result.equals) else {
      throw result.mismatch(expected: "valid, nothing, refused or unsupported")
    }
    self.result = try result.stringValue()
    configuration = try line.required("configuration")
    for group in try line.required("updates").elementsValue() {
      let update = Update(
        rank: try group.required("r").integerValue(),
        scaling: Float(try group.required("scaling").doubleValue()).bitPattern)
      for module in try group.required("modules").elementsValue() {
        updates[try module.stringValue()] = update
      }
    }
  }

  var problems: [String] {
    let actual: [String: Update]
    do throws(MeteoRAError) {
      actual = try changes()
    } catch {
      let isExpected = result == "refused" || result == "unsupported"
      return isExpected ? [] : ["\(name): is refused, expected \(result): \(error)"]
    }
    if result == "unsupported" { return ["\(name): is taken, expected to be refused"] }
    let modules = Set(actual.keys).union(updates.keys).sorted()
    return modules.compactMap { module in
      if actual[module] == updates[module] { return nil }
      return "\(name): \(module) is \(Self.text(actual[module])), "
        + "expected \(Self.text(updates[module]))"
    }
  }

  private func changes() throws(MeteoRAError) -> [String: Update] {
    let configuration = try LoRAConfiguration(configuration, file: name)
    var changes: [String: Update] = [:]
    for (layer, updates) in try configuration.updates(layerCount: layers).enumerated() {
      for module in LinearModule.allCases {
        guard let update = updates[module.index] else { continue }
        changes["\(layer).\(module.block).\(module.rawValue)"] =
          Update(rank: update.rank, scaling: update.scaling.bitPattern)
      }
    }
    return changes
  }

  private static func text(_ update: Update?) -> String {
    guard let update else { return "unchanged" }
    return "changed with rank \(update.rank) and scaling \(Float(bitPattern: update.scaling))"
  }
}
