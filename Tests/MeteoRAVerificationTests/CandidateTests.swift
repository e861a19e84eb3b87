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
    #expect(report.summary == ["area, exact: 1 of 1 passed"])
  }

  @Test("it passes the golden pack's own values, and misses one that is left out")
  func passesGoldenValues() throws {
    let verification = try #require(PackCases.verification)
    let folder = verification.manifest.folder
    let cases = PackCases.all.filter { golden in
      golden.check == .bits && golden.outputs.contains { $0.tensor != nil }
    }
    var files: [String: SafetensorsFile] = [:]
    var tensors: [(name: String, tensor: SafetensorsTensor)] = []
    for golden in cases {
      for output in golden.outputs {
        let file =
          try files[output.file]
          ?? SafetensorsFile(contentsOf: folder.appendingPathComponent(output.file))
        files[output.file] = file
        let tensor = try file.tensor(named: try #require(output.tensor).name)
        tensors.append(("\(golden.id)/\(output.name)", tensor))
      }
    }
    let place = try SmallPack()
    func report(leavingOut omitted: Int?) throws -> VerificationReport {
      var given = tensors
      if let omitted { given.remove(at: omitted) }
      let url = place.folder.appendingPathComponent("mine.safetensors")
      let writer = try SafetensorsWriter(
        to: url, tensors: given.map { .init($0.name, $0.tensor.dtype, $0.tensor.shape) })
      for (name, tensor) in given {
        try tensor.withUnsafeBytes { try writer.append(bytes: $0, to: name) }
      }
      try writer.finish()
      return try verification.judge(candidates: url) { $0.check == .bits }
    }
    let whole = try report(leavingOut: nil)
    #expect(whole.isPassed)
    #expect(whole.passedCount == cases.count && cases.count > 250)
    #expect(whole.strayTensors.isEmpty)
    let missing = try report(leavingOut: tensors.count / 2)
    #expect(missing.failures.count == 1)
    #expect(missing.failures.first?.description.contains("is missing") == true)
  }

  @Test("it finds an output that is missing")
  func findsMissing() throws {
    let report = try judge(SmallPack(), [("area/case/z", [1], .float32([1]))])
    #expect(!report.isPassed)
    #expect(report.cases[0].description.contains("y: is missing"))
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
    #expect(report.summary == ["area, exact: 0 of 0 passed, 1 left out"])
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
