import Foundation
import MeteoRAVerification
import Testing

@Suite("The manifest of a pack")
struct GoldenManifestTests {
  @Test("it gives what it lists")
  func reads() throws {
    let pack = try SmallPack()
    let manifest = try pack.open().manifest
    #expect(manifest.flags == ["exact": "Every sum is exact."])
    let golden = try #require(manifest.cases.first)
    #expect(manifest.cases.count == 1)
    #expect(golden.id == "area/case")
    #expect(golden.area == "area")
    #expect(golden.tier == "exact")
    #expect(golden.operation == "softmax")
    #expect(golden.check == .bits)
    #expect(golden.result == .valid)
    #expect(golden.inputs.map(\.name) == ["x"])
    #expect(golden.outputs.map(\.tensor?.shape) == [[2, 2]])
  }

  @Test("it reads every kind of check")
  func readsChecks() throws {
    let checks: [(String, GoldenCheck)] = [
      (#""bits""#, .bits), (#""words""#, .words), (#""loads""#, .loads),
      (#"{"ulp":2}"#, .ulp(2)),
      (#"{"max_abs":0.5,"rms_ratio":1.5}"#, .distance(maximumAbsolute: 0.5, rmsRatio: 1.5)),
      (#"{"equal_unless_gap_below":0.25}"#, .equalUnlessGapBelow(0.25)),
      (
        #"{"gradient_ratio":1.5,"update_error":0.001}"#,
        .training(gradientRatio: 1.5, updateError: 0.001)
      ),
    ]
    for (text, check) in checks {
      let pack = try SmallPack()
      pack.set("check", text)
      #expect(try pack.open().manifest.cases[0].check == check)
    }
  }

  /// What opening a manifest says.
  private func message(_ text: String) throws -> String {
    let pack = try SmallPack()
    try pack.writeManifest(text)
    do throws(VerificationError) {
      _ = try Verification(pack: pack.folder)
      return "it is accepted"
    } catch {
      return error.description
    }
  }

  @Test("it refuses a manifest that is cut off anywhere")
  func refusesTruncation() throws {
    let text = Array(try SmallPack().manifestText.utf8)
    for length in stride(from: 0, to: text.count, by: 7) {
      let cut = String(decoding: text[..<length], as: UTF8.self)
      let message = try message(cut)
      #expect(message.contains("manifest.json:1:"), "\(length) bytes: \(message)")
    }
  }

  @Test("it refuses a folder without a manifest")
  func refusesEmptyFolder() throws {
    let pack = try SmallPack()
    #expect(throws: VerificationError.self) { try Verification(pack: pack.folder) }
  }

  @Test("it refuses another version", arguments: ["2", "0", "1.0", "\"1\"", "null"])
  func refusesVersion(version: String) throws {
    let pack = try SmallPack()
    pack.version = version
    #expect(try message(pack.manifestText).contains("'version'"))
  }

  @Test("it refuses a manifest without cases")
  func refusesNoCases() throws {
    #expect(
      try message(#"{"version":1,"flags":{},"cases":[]}"#).contains("at least one case"))
  }

  @Test("it refuses an unknown field beside the cases")
  func refusesUnknownRootField() throws {
    let message = try message(#"{"version":1,"flags":{},"cases":[],"extra":1}"#)
    #expect(message.contains("'extra'"), "\(message)")
  }

  @Test("it refuses two cases of one id")
  func refusesDuplicates() throws {
    let pack = try SmallPack()
    let text =
      #"{"version":1,"flags":\#(pack.flags),"cases":[\#(pack.caseText),\#(pack.caseText)]}"#
    #expect(try message(text).contains("'area/case' stands in the manifest twice"))
  }

  @Test(
    "it refuses a case without a field, and names case and field",
    arguments: [
      "comment", "operation", "parameters", "flags", "result", "check", "origin", "source",
      "inputs", "outputs", "sha256",
    ])
  func refusesMissingField(field: String) throws {
    let pack = try SmallPack()
    pack.set(field, nil)
    let message = try message(pack.manifestText)
    #expect(message.hasPrefix("area/case: "), "\(message)")
    #expect(message.contains("'cases[0].\(field)' is missing"), "\(message)")
  }

  @Test("it refuses a case without an id")
  func refusesMissingID() throws {
    let pack = try SmallPack()
    pack.set("id", nil)
    #expect(try message(pack.manifestText).contains("'cases[0].id' is missing"))
  }

  static let wrongFields: [(field: String, json: String)] = [
    ("id", #""a b""#), ("id", #""é""#), ("id", #""""#), ("id", "1"),
    ("comment", "1"),
    ("operation", "null"), ("operation", #""two words""#),
    ("parameters", "[]"), ("parameters", "null"),
    ("flags", #"["unexplained"]"#), ("flags", "[1]"), ("flags", #""exact""#),
    ("result", #""fine""#), ("result", "true"),
    ("check", #""roughly""#), ("check", "{}"), ("check", "1"), ("check", #"{"ulp":-1}"#),
    ("check", #"{"ulp":1,"max_abs":1}"#), ("check", #"{"max_abs":1}"#),
    ("check", #"{"max_abs":1,"rms_ratio":"1"}"#),
    ("origin", #""guess""#),
    ("source", "[]"),
    ("inputs", "[]"), ("inputs", #"{"x":1}"#), ("inputs", #"{"x":{}}"#),
    ("inputs", #"{"x":{"file":"../t","tensor":"x","dtype":"F32","shape":[]}}"#),
    ("inputs", #"{"x":{"file":"/t","tensor":"x","dtype":"F32","shape":[]}}"#),
    ("inputs", #"{"x":{"file":"a//t","tensor":"x","dtype":"F32","shape":[]}}"#),
    ("inputs", #"{"x":{"file":"","tensor":"x","dtype":"F32","shape":[]}}"#),
    ("inputs", #"{"x":{"file":"t","tensor":"x","dtype":"F99","shape":[]}}"#),
    ("inputs", #"{"x":{"file":"t","tensor":"x","dtype":"F32","shape":[-1]}}"#),
    ("inputs", #"{"x":{"file":"t","tensor":"x","dtype":"F32","shape":[1.0]}}"#),
    ("inputs", #"{"x":{"file":"t","dtype":"F32","shape":[]}}"#),
    ("inputs", #"{"x":{"file":"t","extra":1}}"#),
    ("outputs", #"{"two words":{"file":"t"}}"#),
    ("sha256", #"{"../t":"00"}"#), ("sha256", #"{"t":1}"#),
    ("extra", "1"),
  ]

  @Test("it refuses a field of another kind, and names it", arguments: wrongFields)
  func refusesField(field: String, json: String) throws {
    let pack = try SmallPack()
    pack.set(field, json)
    let message = try message(pack.manifestText)
    #expect(message.contains("manifest.json:1:"), "\(message)")
    #expect(message.contains("cases[0].\(field)"), "\(message)")
    #expect(!message.contains("\n"))
  }
}
