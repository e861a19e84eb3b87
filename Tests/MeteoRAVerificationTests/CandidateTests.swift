import Foundation
import MeteoRASafetensors
import MeteoRAVerification
import Testing

@Suite("Judging the results of another port")
struct CandidateTests {
  private typealias Tensor = (name: String, shape: [Int], values: SmallPack.Values)

  private func judge(_ pack: SmallPack, _ candidates: [Tensor]) throws -> VerificationReport {
    let verification = try pack.open()
    let file = try pack.writeTensors("candidates.safetensors", candidates)
    return try verification.judge(candidates: file)
  }

  @Test("it passes equal tensors named by case and output")
  func passes() throws {
    let report = try judge(
      SmallPack(), [("area/case/y", [2, 2], .float32([0.5, 0.5, 0.5, 0.5]))])
    #expect(report.isPassed)
    #expect(report.strayTensors.isEmpty)
    #expect(
      report.summary == [
        "area  tier   cases  passed", "area  exact      1       1", "",
        "exact  Every sum is exact.",
      ])
  }

  @Test("it finds an output that is missing")
  func findsMissing() throws {
    let report = try judge(SmallPack(), [("area/case/z", [1], .float32([1]))])
    #expect(!report.isPassed)
    #expect(report.cases[0].isMissing && report.failures.isEmpty && report.missingCount == 1)
    // A tensor under a wrong name is there, so what is wanted is said.
    #expect(
      report.cases[0].description
        == "missing  area/case [exact]\n         y: is missing, expected F32 [2, 2]")
    #expect(report.strayTensors == ["area/case/z"])
    #expect(
      report.summary.prefix(2) == [
        "area  tier   cases  passed  missing", "area  exact      1       0        1",
      ])
  }

  @Test("it says in one line that nothing of a case is there")
  func findsAbsent() throws {
    let report = try judge(SmallPack(), [("y", [1], .float32([1]))])
    #expect(!report.isPassed && report.cases[0].verdict == .absent)
    #expect(report.cases[0].description == "missing  area/case [exact]")
  }

  @Test("a case with a wrong result and a missing one is failed")
  func findsWrongAndMissing() throws {
    let pack = try SmallPack()
    let outputs = ["y", "x"].map { SmallPack.reference($0, "F32", [2, 2]) }
    pack.set("outputs", "{\(outputs.joined(separator: ","))}")
    let report = try judge(pack, [("area/case/y", [2, 2], .float32([0.5, 0.5, 0.5, 1]))])
    #expect(report.failures.count == 1 && report.missingCount == 0)
    #expect(report.cases[0].description.hasPrefix("FAILED   area/case [exact]\n"))
    #expect(report.cases[0].description.contains("x: is missing, expected F32 [2, 2]"))
  }

  @Test("it finds one flipped bit")
  func findsFlippedBit() throws {
    let report = try judge(
      SmallPack(), [("area/case/y", [2, 2], .float32([0.5, 0.5, 0.5, Float(0.5).nextDown]))])
    #expect(!report.isPassed)
    #expect(report.failures.count == 1)
    #expect(report.cases[0].description.contains("element [1, 1] (3) is 0.49999997 [0x3effffff]"))
  }

  @Test("it finds another shape")
  func findsShape() throws {
    let report = try judge(
      SmallPack(), [("area/case/y", [4], .float32([0.5, 0.5, 0.5, 0.5]))])
    #expect(report.cases[0].description.contains("is F32 [4], expected F32 [2, 2]"))
    #expect(!report.isPassed)
  }

  @Test("it names tensors that belong to no case")
  func findsStrays() throws {
    let report = try judge(
      SmallPack(),
      [
        ("area/case/y", [2, 2], .float32([0.5, 0.5, 0.5, 0.5])), ("area/other/y", [0], .int64([])),
        ("y", [0], .int64([])),
      ])
    #expect(report.isPassed)
    #expect(report.strayTensors.sorted() == ["area/other/y", "y"])
  }

  @Test("it judges an operation that it cannot run")
  func judgesUnknownOperation() throws {
    let pack = try SmallPack()
    pack.set("operation", #""hardmax""#)
    #expect(
      try judge(pack, [("area/case/y", [2, 2], .float32([0.5, 0.5, 0.5, 0.5]))]).isPassed)
  }

  @Test("it leaves out what is no tensor, and does not pass for that alone")
  func leavesOutFiles() throws {
    let pack = try SmallPack()
    pack.set("operation", #""safetensors_read""#)
    pack.set("outputs", "{}")
    let report = try judge(pack, [])
    #expect(report.cases[0].verdict == .notJudged)
    #expect(!report.isPassed && report.failures.isEmpty)
    #expect(report.cases[0].notes == ["its results are no tensors"])
    #expect(
      report.cases[0].description == "left out area/case [exact]: its results are no tensors")
    #expect(
      report.summary.prefix(2) == [
        "area  tier   cases  passed  left out", "area  exact      1       0         1",
      ])
  }

  @Test("it refuses a file of candidates that is not there")
  func refusesMissingFile() throws {
    let pack = try SmallPack()
    let verification = try pack.open()
    #expect(throws: VerificationError.self) {
      try verification.judge(candidates: pack.folder.appendingPathComponent("none"))
    }
  }

  @Test("it refuses a tensor that holds neither floats nor integers")
  func refusesType() throws {
    let pack = try SmallPack()
    let verification = try pack.open()
    let url = pack.folder.appendingPathComponent("candidates.safetensors")
    let header = #"{"area/case/y":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    bytes += Array(header.utf8) + [1]
    try Data(bytes).write(to: url)
    let report = try verification.judge(candidates: url)
    #expect(report.cases[0].isFailure)
    #expect(report.cases[0].description.contains("BOOL"))
  }
}
