import Foundation
import MeteoRAVerification
import Testing

@Suite("Judging distances to the truth")
struct TruthJudgementTests {
  /// Logits [2, 2] and one routed module of 3 adapters, 1 chosen; PyTorch's error is 0.5.
  private func distancePack(gap: Double = 1) throws -> SmallPack {
    let pack = try SmallPack()
    pack.set("operation", #""model_distance""#)
    pack.set("check", #"{"max_abs":2,"rms_ratio":1.5}"#)
    pack.set("inputs", "{}")
    let outputs = [
      SmallPack.reference("logits64", "F64", [2, 2]),
      SmallPack.reference("reference_rms", "F64", []),
      SmallPack.reference("layers.0.q_proj.gate_logits64", "F64", [2, 3]),
      SmallPack.reference("layers.0.q_proj.selected", "I64", [2, 1]),
      SmallPack.reference("layers.0.q_proj.gap64", "F64", [2]),
    ]
    pack.set("outputs", "{\(outputs.joined(separator: ","))}")
    pack.tensors = [
      ("logits64", [2, 2], .float64([1, 2, 3, 4])), ("reference_rms", [], .float64([0.5])),
      ("layers.0.q_proj.gate_logits64", [2, 3], .float64([1, 3, 2, 9, 7, 8])),
      ("layers.0.q_proj.selected", [2, 1], .int64([1, 0])),
      ("layers.0.q_proj.gap64", [2], .float64([gap, 1])),
    ]
    return pack
  }

  private func judge(
    _ pack: SmallPack, logits: [Float] = [1, 2, 3, 4], gates: [Float] = [1, 3, 2, 9, 7, 8],
    selected: [Int64] = [1, 0], without: String? = nil
  ) throws -> CaseReport {
    let verification = try pack.open()
    let tensors: [(name: String, shape: [Int], values: SmallPack.Values)] = [
      ("area/case/logits", [2, 2], .float32(logits)),
      ("area/case/layers.0.q_proj.gate_logits", [2, 3], .float32(gates)),
      ("area/case/layers.0.q_proj.selected", [2, 1], .int64(selected)),
    ]
    let file = try pack.writeTensors("c.safetensors", tensors.filter { $0.name != without })
    return try verification.judge(candidates: file).cases[0]
  }

  @Test("it measures the largest error and the RMS ratio")
  func measures() throws {
    // Errors 1, 0, 0, −1: RMS √½.
    let report = try judge(distancePack(), logits: [2, 2, 3, 3])
    #expect(report.verdict == .passed)
    #expect(
      report.measurements.map(\.name) == [
        "max_abs", "rms", "reference_rms", "rms_ratio", "gate max_abs",
      ])
    #expect(report.measurements[0].value == 1)
    #expect(report.measurements[1].value == 0.5.squareRoot())
    #expect(report.measurements[3].value == 0.5.squareRoot() / 0.5)
    #expect(report.notes == ["2 choices of adapters, 0 too close to call"])
    #expect(report.description.contains("rms_ratio 1.41 (at most 1.5)"))
  }

  @Test("it finds an RMS ratio above the bound")
  func findsRatio() throws {
    let report = try judge(distancePack(), logits: [2, 3, 4, 5])
    #expect(report.isFailure)
    #expect(report.description.contains("rms_ratio 2 (at most 1.5) is out of bounds"))
  }

  @Test("it finds one error above the bound, infinite and not a number too")
  func findsLargest() throws {
    for wrong in [Float(5.5), .infinity, .nan] {
      let report = try judge(distancePack(), logits: [1, 2, 3 + wrong, 4])
      #expect(report.isFailure)
      #expect(report.description.contains("logits: max_abs"))
    }
  }

  @Test("it finds a gate logit above the bound, and not a number")
  func findsGate() throws {
    for wrong in [Float(12), .nan] {
      let report = try judge(distancePack(), gates: [1, 3, 2, 9, 7, wrong])
      #expect(report.isFailure)
      #expect(report.description.contains("gate max_abs"))
    }
  }

  @Test("it finds another choice of adapters where the choice is clear")
  func findsChoice() throws {
    let report = try judge(distancePack(), selected: [1, 2])
    #expect(report.isFailure)
    #expect(
      report.description.contains(
        "layers.0.q_proj.selected: at [1] chooses [2], expected [0], which leads by 1.0"))
  }

  @Test("it counts another choice where the choice is close")
  func countsCloseChoices() throws {
    let report = try judge(distancePack(gap: 0.9e-4), selected: [2, 0])
    #expect(report.verdict == .passed)
    #expect(report.notes == ["2 choices of adapters, 1 too close to call"])
  }

  @Test(
    "it finds a tensor that is missing",
    arguments: ["logits", "layers.0.q_proj.gate_logits", "layers.0.q_proj.selected"])
  func findsMissing(name: String) throws {
    let report = try judge(distancePack(), without: "area/case/\(name)")
    #expect(report.isFailure)
    #expect(report.description.contains("\(name): is missing"))
  }

  // MARK: Generation

  private func judgeTokens(_ ids: [Int64], gaps: [Double]) throws -> CaseReport {
    let pack = try SmallPack()
    pack.set("operation", #""generate_distance""#)
    pack.set("check", #"{"equal_unless_gap_below":0.1}"#)
    pack.set("inputs", "{}")
    let outputs = [
      SmallPack.reference("new_ids", "I64", [3]), SmallPack.reference("gap64", "F64", [3]),
    ]
    pack.set("outputs", "{\(outputs.joined(separator: ","))}")
    pack.tensors = [("new_ids", [3], .int64([7, 8, 9])), ("gap64", [3], .float64(gaps))]
    let verification = try pack.open()
    let file = try pack.writeTensors(
      "c.safetensors", [("area/case/new_ids", [ids.count], .int64(ids))])
    return try verification.judge(candidates: file).cases[0]
  }

  @Test("it passes equal tokens and counts the close ones")
  func passesTokens() throws {
    let report = try judgeTokens([7, 8, 9], gaps: [1, 0.05, 1])
    #expect(report.verdict == .passed)
    #expect(report.notes == ["3 tokens equal, 1 of them close"])
  }

  @Test("it passes another text after a close token")
  func passesAfterCloseToken() throws {
    let report = try judgeTokens([7, 1, 2, 3, 4], gaps: [1, 0.05, 1])
    #expect(report.verdict == .passed)
    #expect(report.notes == ["tokens differ from step 1 on, where the lead is 0.05"])
  }

  @Test("it finds another token where the lead is clear")
  func findsToken() throws {
    let report = try judgeTokens([7, 8, 1], gaps: [1, 0.05, 1])
    #expect(report.isFailure)
    #expect(report.description.contains("new_ids: at [2] chooses [1], expected [9]"))
  }

  @Test("it finds tokens that are missing or too many")
  func findsCount() throws {
    #expect(try judgeTokens([7, 8], gaps: [1, 1, 0.05]).isFailure)
    #expect(try judgeTokens([7, 8, 9, 9], gaps: [1, 1, 1]).isFailure)
    #expect(try judgeTokens([], gaps: [0.01, 1, 1]).isFailure)
  }
}
