import Foundation
import MeteoRASafetensors
import MeteoRAVerification
import Testing

@Suite("The tensors that another port hands in")
struct ResultTensorTests {
  private typealias Named = (name: String, shape: [Int], values: SmallPack.Values)

  /// What the pack says of a result: an output as it stands, or of a truth case the part of one.
  private func value(of result: ResultTensor, _ golden: GoldenCase) throws -> SmallPack.Values {
    func stored(_ name: String) throws -> SafetensorsTensor {
      let reference = try #require(golden.outputs.first { $0.name == name }, "\(golden.id) \(name)")
      let url = try #require(PackCases.verification).manifest.folder
        .appendingPathComponent(reference.file)
      return try SafetensorsFile(contentsOf: url)
        .tensor(named: try #require(reference.tensor).name)
    }
    guard golden.operation == "model_distance" else {
      let tensor = try stored(result.output)
      return tensor.dtype == .i64
        ? .int64(try tensor.int64Values()) : .float32(try tensor.float32Values())
    }
    if result.output == "logits" {
      return .float32(try stored("logits64").float64Values().map { Float($0) })
    }
    let modules = try #require(golden.parameters["modules"]?.elements).map { $0.string ?? "" }
    let count = result.shape.reduce(1, *)
    for (index, module) in modules.enumerated() {
      let range = index * count..<(index + 1) * count
      if result.output == "\(module).selected" {
        return .int64(Array(try stored("selected").int64Values()[range]))
      }
      if result.output == "\(module).gate_logits" {
        return .float32(try stored("gate_logits64").float64Values()[range].map { Float($0) })
      }
    }
    Issue.record("\(golden.id) lists \(result.output)")
    return .int64([])
  }

  @Test("exactly these, with right values, pass every case of the golden pack; one less is missing")
  func passes() throws {
    let verification = try #require(PackCases.verification)
    var tensors: [Named] = []
    var caseCount = 0
    for golden in PackCases.all {
      let results = try golden.resultTensors()
      if !results.isEmpty { caseCount += 1 }
      for result in results {
        let values = try value(of: result, golden)
        let typeName = if case .int64 = values { "I64" } else { "F32" }
        #expect(result.typeName == typeName, "\(golden.id)/\(result.output)")
        tensors.append(("\(golden.id)/\(result.output)", result.shape, values))
      }
    }
    let place = try SmallPack()
    func report(_ tensors: [Named]) throws -> VerificationReport {
      try verification.judge(candidates: try place.writeTensors("mine.safetensors", tensors))
    }
    let whole = try report(tensors)
    #expect(whole.isPassed, "\(whole.cases.filter { $0.isFailure || $0.isMissing })")
    #expect(whole.strayTensors.isEmpty)
    #expect(whole.passedCount == caseCount && caseCount > 450)
    #expect(whole.leftOutCount == PackCases.all.count - caseCount)
    var less = tensors
    let omitted = less.remove(at: tensors.count / 2)
    let part = try report(less)
    #expect(part.missingCount == 1 && part.failures.isEmpty && !part.isPassed)
    #expect(part.cases.first(where: \.isMissing).map { omitted.name.hasPrefix($0.id) } == true)
  }

  @Test("a case whose results are no tensors has none")
  func leavesOutFiles() throws {
    let golden = try #require(PackCases.all.first { $0.operation == "load_model" })
    #expect(try golden.resultTensors().isEmpty)
  }

  @Test("a narrow float is compared as F32, any integer as I64")
  func widensTypes() throws {
    let pack = try SmallPack()
    let outputs = [("a", "BF16"), ("b", "U8"), ("c", "F64")].map {
      SmallPack.reference($0.0, $0.1, [3])
    }
    pack.set("outputs", "{\(outputs.joined(separator: ","))}")
    let results = try pack.open().manifest.cases[0].resultTensors()
    #expect(results.map(\.output) == ["a", "b", "c"])
    #expect(results.map(\.typeName) == ["F32", "I64", "F64"])
    #expect(results.allSatisfy { $0.shape == [3] })
  }

  @Test(
    "a truth case that lacks what gives the names is refused",
    arguments: [#"{"max_abs":1,"rms_ratio":1}"#, #"{"equal_unless_gap_below":1}"#, #""words""#])
  func refusesCheck(check: String) throws {
    let pack = try SmallPack()
    pack.set("check", check)
    let golden = try pack.open().manifest.cases[0]
    #expect(
      throws: VerificationError.inapplicableCheck(case: "area/case", operation: "softmax")
    ) {
      try golden.resultTensors()
    }
  }

  @Test("names of modules that are no texts are refused")
  func refusesModules() throws {
    let pack = try SmallPack()
    pack.set("check", #"{"max_abs":1,"rms_ratio":1}"#)
    pack.set("parameters", #"{"modules":[1]}"#)
    pack.set("outputs", "{\(SmallPack.reference("logits64", "F64", [2, 2]))}")
    let golden = try pack.open().manifest.cases[0]
    #expect(throws: VerificationError.self) { try golden.resultTensors() }
  }
}
