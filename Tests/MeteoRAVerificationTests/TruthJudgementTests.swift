import Foundation
import MeteoRAVerification
import Testing

@Suite("Judging distances to the truth")
struct TruthJudgementTests {
  /// Logits [2, 2] and one routed module of 4 adapters, 2 chosen; PyTorch's error is 0.5.
  ///
  /// - Parameters:
  ///   - gap: How clear the choice of the first token is; that of the second is, by 1.
  ///   - orderGap: How clear the order of its two adapters is.
  private func distancePack(gap: Double = 1, orderGap: Double = 1) throws -> SmallPack {
    let pack = try SmallPack()
    pack.set("operation", #""model_distance""#)
    pack.set("check", #"{"max_abs":2,"rms_ratio":1.5}"#)
    pack.set("parameters", #"{"model":"models/one","modules":["layers.0.q_proj"]}"#)
    pack.set("inputs", "{}")
    let outputs = [
      SmallPack.reference("logits64", "F64", [2, 2]),
      SmallPack.reference("reference_rms", "F64", []),
      SmallPack.reference("gate_logits64", "F64", [1, 2, 4]),
      SmallPack.reference("selected", "I64", [1, 2, 2]),
      SmallPack.reference("gap64", "F64", [1, 2]),
      SmallPack.reference("order_gap64", "F64", [1, 2]),
    ]
    pack.set("outputs", "{\(outputs.joined(separator: ","))}")
    pack.tensors = [
      ("logits64", [2, 2], .float64([1, 2, 3, 4])), ("reference_rms", [], .float64([0.5])),
      ("gate_logits64", [1, 2, 4], .float64([1, 3, 2, 0, 9, 6, 8, 7])),
      ("selected", [1, 2, 2], .int64([1, 2, 0, 2])),
      ("gap64", [1, 2], .float64([gap, 1])),
      ("order_gap64", [1, 2], .float64([orderGap, 1])),
    ]
    return pack
  }

  private func judge(
    _ pack: SmallPack, logits: [Float] = [1, 2, 3, 4],
    gates: [Float] = [1, 3, 2, 0, 9, 6, 8, 7], selected: [Int64] = [1, 2, 0, 2],
    without: String? = nil
  ) throws -> CaseReport {
    try judgeAll(pack, logits: logits, gates: gates, selected: selected, without: without).cases[0]
  }

  private func judgeAll(
    _ pack: SmallPack, logits: [Float] = [1, 2, 3, 4],
    gates: [Float] = [1, 3, 2, 0, 9, 6, 8, 7], selected: [Int64] = [1, 2, 0, 2],
    without: String? = nil
  ) throws -> VerificationReport {
    let verification = try pack.open()
    let tensors: [(name: String, shape: [Int], values: SmallPack.Values)] = [
      ("area/case/logits", [2, 2], .float32(logits)),
      ("area/case/layers.0.q_proj.gate_logits", [2, 4], .float32(gates)),
      ("area/case/layers.0.q_proj.selected", [2, 2], .int64(selected)),
    ]
    let file = try pack.writeTensors("c.safetensors", tensors.filter { $0.name != without })
    return try verification.judge(candidates: file)
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
    #expect(report.notes == ["2 choices of adapters equal, 0 of them close"])
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
      let report = try judge(distancePack(), gates: [1, 3, 2, 0, 9, 6, 8, wrong])
      #expect(report.isFailure)
      #expect(report.description.contains("gate max_abs"))
    }
  }

  @Test("it finds other adapters where the choice is clear")
  func findsChoice() throws {
    let report = try judge(distancePack(), selected: [1, 2, 0, 3])
    #expect(report.isFailure)
    #expect(
      report.description.contains(
        "layers.0.q_proj.selected: at [1] chooses [0, 3], expected [0, 2], which leads by 1.0"))
  }

  @Test("it finds other adapters after a close choice that is made as expected")
  func findsLaterChoice() throws {
    #expect(try judge(distancePack(gap: 0), selected: [1, 2, 0, 3]).isFailure)
  }

  @Test("it takes other adapters where the choice is close, and compares nothing after that")
  func countsCloseChoices() throws {
    let pack = try distancePack(gap: 0.9e-4)
    let same = try judge(pack)
    #expect(same.verdict == .passed)
    #expect(same.adapterChoices.total == 2)
    #expect(same.adapterChoices.close == 1 && same.adapterChoices.differing == 0)
    pack.set("gap64", [1, 2], .float64([1, 0.9e-4]))
    let other = try judge(
      pack, logits: [1, 2, 9, 9], gates: [1, 3, 2, 0, 0, 0, 0, 0], selected: [1, 2, 0, 3])
    #expect(other.verdict == .passed, "\(other)")
    #expect(other.adapterChoices.total == 2)
    #expect(other.adapterChoices.close == 1 && other.adapterChoices.differing == 1)
    #expect(other.distance?.count == 2)
    #expect(other.notes.count == 1)
    #expect(other.notes[0].hasPrefix("layers.0.q_proj of token 1 takes [0, 3], not [0, 2]"))
  }

  @Test("it finds that nothing is left to compare")
  func findsNothingCompared() throws {
    let report = try judge(distancePack(gap: 0.9e-4), selected: [1, 0, 0, 2])
    #expect(report.isFailure)
    #expect(
      report.description.contains("logits: no token is left to compare, expected at least 1"))
    #expect(report.distance == nil)
  }

  @Test("it finds what is no number also where nothing is compared")
  func findsNotFinite() throws {
    let pack = try distancePack()
    pack.set("gap64", [1, 2], .float64([1, 0.5e-4]))
    for wrong in [Float.nan, .infinity] {
      let logits = try judge(pack, logits: [1, 2, 3, wrong], selected: [1, 2, 0, 3])
      #expect(logits.isFailure)
      #expect(logits.description.contains("logits: element 3 is infinite or NaN"))
      let gates = try judge(
        pack, gates: [1, 3, 2, 0, 9, 6, wrong, 7], selected: [1, 2, 0, 3])
      #expect(gates.isFailure)
      #expect(
        gates.description.contains("layers.0.q_proj.gate_logits: element 6 is infinite or NaN"))
    }
  }

  @Test("it compares the tokens before another choice")
  func comparesBeforeOtherChoice() throws {
    let pack = try distancePack()
    pack.set("gap64", [1, 2], .float64([1, 0.5e-4]))
    let passed = try judge(pack, logits: [1, 3, 9, 9], selected: [1, 2, 0, 3])
    #expect(passed.verdict == .passed, "\(passed)")
    #expect(passed.distance?.count == 2)
    #expect(passed.distance?.maximumAbsolute == 1)
    #expect(try judge(pack, logits: [1, 9, 3, 4], selected: [1, 2, 0, 3]).isFailure)
    let gates: [Float] = [1, 3, 2, 9, 9, 6, 8, 7]
    #expect(try judge(pack, gates: gates, selected: [1, 2, 0, 3]).isFailure)
  }

  @Test("it compares adapters as a set where their order is close, else in order")
  func comparesSets() throws {
    let swapped: [Int64] = [2, 1, 0, 2]
    let passed = try judge(distancePack(orderGap: 0.9e-4), selected: swapped)
    #expect(passed.verdict == .passed, "\(passed)")
    #expect(passed.distance?.count == 4)
    #expect(
      passed.notes == ["2 choices of adapters equal, 0 of them close, 1 of close order"])
    let report = try judge(distancePack(gap: 0, orderGap: 1.1e-4), selected: swapped)
    #expect(report.isFailure)
    #expect(report.description.contains("which leads by 0.00011"))
    // Neither is one adapter twice the set of two.
    #expect(try judge(distancePack(orderGap: 0), selected: [1, 1, 0, 2]).isFailure)
  }

  @Test("it does not run a case whose routing does not fit together", arguments: 0..<5)
  func refusesRouting(change: Int) throws {
    let pack = try distancePack()
    let outputs = ["logits64", "selected", "gap64", "order_gap64"]
    func list(_ shapes: [[Int]]) -> String {
      let kinds = ["F64", "I64", "F64", "F64"]
      let references = zip(outputs, zip(kinds, shapes)).map {
        SmallPack.reference($0, $1.0, $1.1)
      }
      let rms = SmallPack.reference("reference_rms", "F64", [])
      return "{\((references + [rms]).joined(separator: ","))}"
    }
    var shapes = [[2, 2], [1, 2, 2], [1, 2], [1, 2]]
    switch change {
    case 0: shapes[1] = [2, 1, 2]
    case 1: shapes[2] = [2, 1]
    case 2: shapes[3] = [2, 1]
    case 3: shapes[0] = [1, 4]
    default: shapes[1] = [4]
    }
    pack.set("outputs", list(shapes))
    for (name, shape) in zip(outputs, shapes) {
      guard let values = pack.tensors.first(where: { $0.name == name })?.values else { continue }
      pack.set(name, shape, values)
    }
    guard case .notRun(.inapplicableCheck) = try judge(pack).verdict else {
      Issue.record("\(try judge(pack))")
      return
    }
  }

  @Test("it sums up the cases of a model, and of all")
  func sumsUp() throws {
    let report = try judgeAll(distancePack(gap: 0.9e-4), logits: [2, 2, 3, 3])
    let summary = try #require(report.truthSummary.first)
    #expect(report.truthSummary.count == 1)
    #expect(summary.model == "models/one")
    #expect(summary.prompts == 1 && summary.logits == 4)
    #expect(summary.maximumAbsolute == 1)
    #expect(summary.rms == 0.5.squareRoot() && summary.referenceRMS == 0.5)
    #expect(summary.maximumBound == 2)
    #expect(summary.largestRatio == summary.ratio && summary.ratioBound == 1.5)
    #expect(summary.adapterChoices.total == 2 && summary.adapterChoices.close == 1)
    #expect(
      report.summary == [
        "area  tier   cases  passed", "area  exact      1       1", "",
        "exact  Every sum is exact.", "",
        "Logits against binary64. max |Δ|: the largest distance, of one prompt at most 2. RMS: "
          + "over all prompts.",
        "PyTorch's: RMS of its own binary32. ratio: RMS / PyTorch's. worst: of one prompt, at most "
          + "bound.",
        "adapters and tokens, n: c, o: n choices, c of them closer than 0.0001, o of these made "
          + "otherwise.",
        "models/  prompts  max |Δ|       RMS  PyTorch's  ratio  worst  bound  adapters  tokens",
        "one            1  1.0e+00  7.07e-01   5.00e-01   1.41   1.41    1.5   2: 1, 0       -",
        "all            1  1.0e+00  7.07e-01   5.00e-01   1.41   1.41    1.5   2: 1, 0       -",
      ])
  }

  @Test("it pools squares over the logits of all prompts")
  func pools() throws {
    let pack = try distancePack()
    let second = pack.caseText.replacing("area/case", with: "area/other")
      .replacing(#"{"max_abs":2,"rms_ratio":1.5}"#, with: #"{"max_abs":0.0025,"rms_ratio":1.25}"#)
    try pack.writeTensors()
    try pack.writeManifest(
      #"{"version":1,"flags":\#(pack.flags),"cases":[\#(pack.caseText),\#(second)]}"#)
    let verification = try Verification(pack: pack.folder)
    let candidates: [(name: String, shape: [Int], values: SmallPack.Values)] =
      ["area/case", "area/other"].flatMap { id in
        [
          ("\(id)/logits", [2, 2], .float32(id.hasSuffix("case") ? [1, 2, 3, 4] : [2, 2, 3, 3])),
          ("\(id)/layers.0.q_proj.gate_logits", [2, 4], .float32([1, 3, 2, 0, 9, 6, 8, 7])),
          ("\(id)/layers.0.q_proj.selected", [2, 2], .int64([1, 2, 0, 2])),
        ]
      }
    let report = try verification.judge(
      candidates: try pack.writeTensors("c.safetensors", candidates))
    let summary = try #require(report.truthSummary.first)
    #expect(summary.prompts == 2 && summary.logits == 8)
    #expect(summary.rms == 0.5)
    #expect(summary.ratio == 1 && summary.largestRatio == 0.5.squareRoot() / 0.5)
    #expect(summary.adapterChoices.total == 4)
    #expect(summary.maximumBound == 2 && summary.ratioBound == 1.5)
    let text = report.summary.joined(separator: "\n")
    #expect(text.contains("the largest distance, of one prompt at most 0.0025 to 2. RMS"))
    #expect(text.contains("  1.25 to 1.5  "))
  }

  @Test(
    "it finds a tensor that is missing",
    arguments: ["logits", "layers.0.q_proj.gate_logits", "layers.0.q_proj.selected"])
  func findsMissing(name: String) throws {
    let report = try judge(distancePack(), without: "area/case/\(name)")
    #expect(report.isMissing)
    let form =
      name.hasSuffix("selected") ? "I64 [2, 2]" : name == "logits" ? "F32 [2, 2]" : "F32 [2, 4]"
    #expect(
      report.description.hasSuffix("\n         \(name): is missing, expected \(form)"), "\(report)")
  }

  @Test("it has no table without a model of which something is there")
  func printsNoEmptyTable() throws {
    let pack = try distancePack()
    let verification = try pack.open()
    let report = try verification.judge(
      candidates: try pack.writeTensors("c.safetensors", [("y", [1], .float32([1]))]))
    #expect(report.cases[0].verdict == .absent)
    #expect(report.truthSummary.isEmpty)
    #expect(!report.summary.contains { $0.contains("binary64") })
  }

  // MARK: Generation

  private func judgeTokens(_ ids: [Int64], gaps: [Double]) throws -> CaseReport {
    try judgeAllTokens(ids, gaps: gaps).cases[0]
  }

  private func judgeAllTokens(_ ids: [Int64], gaps: [Double]) throws -> VerificationReport {
    let pack = try SmallPack()
    pack.set("operation", #""generate_distance""#)
    pack.set("parameters", #"{"model":"models/one"}"#)
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
    return try verification.judge(candidates: file)
  }

  @Test("it tells the bound below which tokens are close")
  func tellsTokenBound() throws {
    let report = try judgeAllTokens([7, 8, 9], gaps: [1, 0.05, 1])
    #expect(report.truthSummary.first?.tokenChoices.bounds == 0.1...0.1)
    #expect(report.summary.joined(separator: "\n").contains("c of them closer than 0.1, o of"))
  }

  @Test("it passes equal tokens and counts the close ones")
  func passesTokens() throws {
    let report = try judgeTokens([7, 8, 9], gaps: [1, 0.05, 1])
    #expect(report.verdict == .passed)
    #expect(report.notes == ["3 tokens equal, 1 of them close"])
    #expect(report.tokenChoices.total == 3 && report.tokenChoices.close == 1)
    #expect(report.tokenChoices.differing == 0)
  }

  @Test("it passes another text after a close token")
  func passesAfterCloseToken() throws {
    let report = try judgeTokens([7, 1, 2, 3, 4], gaps: [1, 0.05, 1])
    #expect(report.verdict == .passed)
    #expect(report.notes == ["tokens differ from step 1 on, where the lead is 0.05"])
    #expect(report.tokenChoices.total == 2 && report.tokenChoices.close == 1)
    #expect(report.tokenChoices.differing == 1)
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
