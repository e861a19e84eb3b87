import Foundation
import MeteoRAVerification
import Testing

@Suite("Running a case")
struct VerificationTests {
  private func findings(_ pack: SmallPack) throws -> [Finding] {
    let report = try pack.run()
    guard case .failed(let findings) = report.verdict else {
      Issue.record("\(report)")
      return []
    }
    #expect(report.isFailure)
    return findings
  }

  private func refusal(_ pack: SmallPack) throws -> VerificationError? {
    let report = try pack.run()
    guard case .notRun(let error) = report.verdict else {
      Issue.record("\(report)")
      return nil
    }
    #expect(report.isFailure)
    #expect(error.description.hasPrefix("area/case: "))
    return error
  }

  @Test("it passes what is kept, for 1, 2 and 5 threads")
  func passes() throws {
    let report = try SmallPack().run()
    #expect(report.verdict == .passed, "\(report)")
    #expect(report.executions.map(\.parallelism.threads) == [1, 2, 5])
    #expect(report.description == "ok       area/case [exact]")
  }

  @Test("it finds one flipped bit", arguments: 0..<4)
  func findsFlippedBit(element: Int) throws {
    let pack = try SmallPack()
    var expected: [Float] = [0.5, 0.5, 0.5, 0.5]
    expected[element] = Float(0.5).nextUp
    pack.set("y", [2, 2], .float32(expected))
    let found = try findings(pack)
    #expect(found.map(\.output) == ["y"])
    #expect(found.map(\.executions.count) == [3])
    guard case .bits(let difference) = found.first?.problem else {
      Issue.record("\(found)")
      return
    }
    #expect(difference.index == element)
    #expect(difference.position == [element / 2, element % 2])
    #expect(difference.ulp == 1)
    #expect(difference.count == 1 && difference.total == 4)
    #expect(
      difference.description
        == "element [\(element / 2), \(element % 2)] (\(element)) is 0.5 [0x3f000000], "
        + "expected 0.50000006 [0x3f000001], 1 ulp; 1 of 4 elements differ")
  }

  @Test("it allows as many representable numbers as the check says")
  func allowsUlp() throws {
    let pack = try SmallPack()
    pack.set("y", [2, 2], .float32([0.5, Float(0.5).nextUp.nextUp, 0.5, 0.5]))
    pack.set("check", #"{"ulp":2}"#)
    #expect(try pack.run().verdict == .passed)
    pack.set("check", #"{"ulp":1}"#)
    #expect(try findings(pack).count == 1)
  }

  @Test("it tells zeros apart and takes any NaN for NaN")
  func comparesSpecialValues() throws {
    let pack = try SmallPack()
    // exp(−200) is +0; a row with NaN is NaN.
    pack.set("x", [2, 2], .float32([200, 0, .nan, 0]))
    let payload = Float(bitPattern: 0xffc1_2345)
    pack.set("y", [2, 2], .float32([1, 0, payload, .nan]))
    #expect(try pack.run().verdict == .passed)
    pack.set("y", [2, 2], .float32([1, -0.0, .nan, .nan]))
    #expect(try findings(pack).count == 1)
    pack.set("y", [2, 2], .float32([1, 0, .nan, 7]))
    #expect("\(try findings(pack))".contains("no distance"))
  }

  @Test("it finds an integer that differs")
  func findsInteger() throws {
    let pack = try SmallPack()
    pack.set("operation", #""top_k""#)
    pack.set("parameters", #"{"top_k":1}"#)
    pack.set("inputs", "{\(SmallPack.reference("logits", "F32", [2, 2]))}")
    pack.set("outputs", "{\(SmallPack.reference("selected", "I64", [2, 1]))}")
    pack.set("logits", [2, 2], .float32([0, 1, 5, 5]))
    pack.set("selected", [2, 1], .int64([1, 0]))
    #expect(try pack.run().verdict == .passed)
    pack.set("selected", [2, 1], .int64([1, 1]))
    #expect(
      try findings(pack).map(\.problem) == [
        .integers(position: [1, 0], actual: 0, expected: 1, count: 1, total: 2)
      ])
  }

  @Test("it finds an output that the operation does not give")
  func findsMissingOutput() throws {
    let pack = try SmallPack()
    pack.set("outputs", "{\(SmallPack.reference("z", "F32", [2, 2]))}")
    pack.set("z", [2, 2], .float32([0.5, 0.5, 0.5, 0.5]))
    #expect(try findings(pack).map(\.problem) == [.missing(expected: "F32 [2, 2]")])
  }

  @Test("it finds another shape of the same elements")
  func findsShape() throws {
    let pack = try SmallPack()
    pack.set("outputs", "{\(SmallPack.reference("y", "F32", [4]))}")
    pack.set("y", [4], .float32([0.5, 0.5, 0.5, 0.5]))
    #expect(
      try findings(pack).map(\.problem) == [.form(actual: "F32 [2, 2]", expected: "F32 [4]")])
  }

  @Test("it finds another type")
  func findsType() throws {
    let pack = try SmallPack()
    pack.set("outputs", "{\(SmallPack.reference("y", "I64", [2, 2]))}")
    pack.set("y", [2, 2], .int64([0, 0, 0, 0]))
    #expect(
      try findings(pack).map(\.problem) == [.form(actual: "F32 [2, 2]", expected: "I64 [2, 2]")])
  }

  @Test("it does not pass a case that expects nothing")
  func findsNoOutputs() throws {
    let pack = try SmallPack()
    pack.set("outputs", "{}")
    #expect(try findings(pack).count == 1)
  }

  // MARK: Cases that cannot be run

  @Test("it does not run an unknown operation")
  func unknownOperation() throws {
    let pack = try SmallPack()
    pack.set("operation", #""hardmax""#)
    #expect(
      try refusal(pack) == .unknownOperation(case: "area/case", operation: "hardmax"))
  }

  @Test("it does not run without a file")
  func missingFile() throws {
    let pack = try SmallPack()
    pack.set("outputs", SmallPack.elsewhere("y", file: "missing.safetensors"))
    let message = try refusal(pack)?.description ?? ""
    #expect(message.contains("missing.safetensors: no such file"), "\(message)")
  }

  @Test("it does not run without a tensor")
  func missingTensor() throws {
    let pack = try SmallPack()
    pack.tensors.removeAll { $0.name == "y" }
    let message = try refusal(pack)?.description ?? ""
    #expect(message.contains("tensor 'y' is missing"), "\(message)")
  }

  @Test("it does not run with a file that is cut off")
  func truncatedFile() throws {
    let pack = try SmallPack()
    let verification = try pack.open()
    let url = pack.folder.appendingPathComponent("t.safetensors")
    try Data(contentsOf: url).dropLast(1).write(to: url)
    let report = verification.run().cases[0]
    #expect(report.description.contains("is cut off"), "\(report)")
    #expect(report.isFailure)
  }

  @Test("it does not run with a tensor of another shape than the manifest says")
  func declaredShape() throws {
    let pack = try SmallPack()
    pack.set("y", [4], .float32([0.5, 0.5, 0.5, 0.5]))
    guard case .declarationMismatch(_, _, "y", "F32 [2, 2]", "F32 [4]") = try refusal(pack) else {
      Issue.record("\(try pack.run())")
      return
    }
  }

  @Test("it does not run without an input")
  func missingInput() throws {
    let pack = try SmallPack()
    pack.set("inputs", "{}")
    #expect(try refusal(pack) == .missingInput(case: "area/case", name: "x"))
  }

  @Test("it does not run with an input of other dimensions")
  func inputOfOtherRank() throws {
    let pack = try SmallPack()
    pack.set("inputs", "{\(SmallPack.reference("x", "F32", [4]))}")
    pack.set("x", [4], .float32([3, 3, -1, -1]))
    #expect(
      try refusal(pack)
        == .inputMismatch(
          case: "area/case", name: "x", expected: "of 2 dimensions", actual: "F32 [4]"))
  }

  @Test("it does not run with an input of another type")
  func inputOfOtherType() throws {
    let pack = try SmallPack()
    pack.set("inputs", "{\(SmallPack.reference("x", "I64", [2, 2]))}")
    pack.set("x", [2, 2], .int64([3, 3, -1, -1]))
    #expect(
      try refusal(pack)
        == .inputMismatch(
          case: "area/case", name: "x", expected: "floats of at most 32 bits",
          actual: "I64 [2, 2]"))
  }

  @Test("it does not run where the input is a file instead of a tensor")
  func inputIsFile() throws {
    let pack = try SmallPack()
    pack.set("inputs", #"{"x":{"file":"t.safetensors"}}"#)
    #expect(try refusal(pack) == .notATensor(case: "area/case", name: "x"))
  }

  @Test("it does not run with a check that the operation has no values for")
  func inapplicableCheck() throws {
    for check in [
      #""words""#, #"{"max_abs":1,"rms_ratio":1}"#, #"{"equal_unless_gap_below":1}"#,
    ] {
      let pack = try SmallPack()
      pack.set("check", check)
      #expect(
        try refusal(pack) == .inapplicableCheck(case: "area/case", operation: "softmax"))
    }
  }

  @Test("it says what the code under test refuses")
  func refusedByKernel() throws {
    let pack = try SmallPack()
    pack.set("operation", #""top_k""#)
    pack.set("parameters", #"{"top_k":3}"#)
    pack.set("inputs", "{\(SmallPack.reference("logits", "F32", [2, 2]))}")
    pack.set("logits", [2, 2], .float32([0, 1, 5, 5]))
    let message = try refusal(pack)?.description ?? ""
    #expect(message.contains("k is 3, allowed is 1...2"), "\(message)")
  }

  @Test("it names the parameter that is missing")
  func missingParameter() throws {
    let pack = try SmallPack()
    pack.set("operation", #""top_k""#)
    pack.set("inputs", "{\(SmallPack.reference("logits", "F32", [2, 2]))}")
    pack.set("logits", [2, 2], .float32([0, 1, 5, 5]))
    let message = try refusal(pack)?.description ?? ""
    #expect(message.contains("'cases[0].parameters.top_k' is missing"), "\(message)")
  }

  @Test(
    "it names lengths of sequences that are not those of the ids",
    arguments: ["[]", "[1]", "[2,1]", "[0,2]"])
  func wrongLengths(lengths: String) throws {
    let pack = try SmallPack()
    pack.set("operation", #""last_logits""#)
    pack.set("parameters", #"{"model":"none","mode":"plain","lengths":\#(lengths)}"#)
    pack.set("inputs", "{\(SmallPack.reference("ids", "I64", [2]))}")
    pack.set("ids", [2], .int64([1, 2]))
    let message = try refusal(pack)?.description ?? ""
    #expect(message.contains("'cases[0].parameters.lengths"), "\(message)")
  }

  // MARK: Damage

  @Test("it tells a damaged file from a wrong result")
  func damagedFile() throws {
    let pack = try SmallPack()
    pack.set("sha256", #"{"t.safetensors":"\#(String(repeating: "0", count: 64))"}"#)
    guard case .damaged(_, _, _, let actual) = try refusal(pack) else { return }
    pack.set("sha256", #"{"t.safetensors":"\#(actual)"}"#)
    #expect(try pack.run().verdict == .passed)
    pack.set("y", [2, 2], .float32([0.5, 0.5, 0.5, 0.25]))
    guard case .damaged = try refusal(pack) else {
      Issue.record("\(try pack.run())")
      return
    }
  }

  @Test("it does not run with a digest of a file that is not there, or no file")
  func unreadableFile() throws {
    for path in ["missing", "folder"] {
      let pack = try SmallPack()
      try FileManager.default.createDirectory(
        at: pack.folder.appendingPathComponent("folder"), withIntermediateDirectories: true)
      pack.set("sha256", #"{"\#(path)":"00"}"#)
      guard case .unreadable = try refusal(pack) else {
        Issue.record("\(try pack.run())")
        return
      }
    }
  }
}

extension SmallPack {
  /// An output in another file.
  static func elsewhere(_ name: String, file: String) -> String {
    #"{"\#(name)":{"file":"\#(file)","tensor":"\#(name)","dtype":"F32","shape":[2,2]}}"#
  }
}
