import Foundation
import MeteoRAFixtures
import MeteoRASafetensors
import MeteoRAVerification
import Testing

/// One case of the golden pack for every operation, each with one thing changed.
@Suite("A pack that is not kept")
struct MutatedPackTests {
  /// The first case of every operation whose outputs are tensors; of those that are compared in
  /// units in the last place one bit may differ.
  static let tensorCases = firstOfEachOperation { golden in
    if case .ulp = golden.check { return false }
    return golden.outputs.contains { $0.tensor != nil }
  }
  /// The first case of every operation that compares files.
  static let fileCases = firstOfEachOperation {
    $0.result == .valid && $0.outputs.allSatisfy { $0.tensor == nil }
      && !($0.inputs + $0.outputs).isEmpty
  }
  /// A folder that loads, and one that is refused.
  static let folderCases = ["refusals/accepted-adapter-oddities", "refusals/adapter-no-alpha"]

  private static func firstOfEachOperation(
    where isIncluded: (GoldenCase) -> Bool
  ) -> [GoldenCase] {
    var known: Set<String> = []
    return PackCases.all.filter { isIncluded($0) && known.insert($0.operation).inserted }
  }

  @Test("it covers the operations of the pack")
  func coversOperations() {
    let folders = PackCases.all.filter { Self.folderCases.contains($0.id) }
    #expect(folders.count == 2)
    let covered = Set((Self.tensorCases + Self.fileCases + folders).map(\.operation))
    #expect(covered == Set(PackCases.all.map(\.operation)))
  }

  @Test("it is noticed if a bit of an expected tensor is flipped", arguments: tensorCases)
  func flippedBit(golden: GoldenCase) throws {
    let output = try #require(golden.outputs.first { $0.tensor?.shape.contains(0) == false })
    let pack = try PackCopy(of: golden)
    #expect(try pack.run().verdict == .passed)
    try pack.flip(output)
    let report = try pack.run()
    guard case .failed(let findings) = report.verdict else {
      Issue.record("\(report)")
      return
    }
    // The name of a true value is that of ours and "64".
    let name = try #require(findings.first?.output)
    #expect(output.name.hasPrefix(name))
  }

  @Test("it is noticed if a file is changed", arguments: fileCases)
  func changedFile(golden: GoldenCase) throws {
    let reference = try #require(golden.outputs.first ?? golden.inputs.first)
    let pack = try PackCopy(of: golden)
    #expect(try pack.run().verdict == .passed)
    try pack.flipLastByte(of: reference)
    #expect(try pack.run().isFailure)
  }

  @Test("it generates one token more than expected and no further, whatever the case allows")
  func boundsGeneration() throws {
    let golden = try #require(PackCases.all.first { $0.id == "models/bias-f16/generate-routed" })
    let pack = try PackCopy(of: golden) {
      $0.replacing(#""max_new_tokens":16"#, with: #""max_new_tokens":2147483647"#)
    }
    #expect(try pack.run().description.contains("I64 [17], expected I64 [16]"))
  }

  @Test("it is noticed if a folder loads that should not")
  func loadingFolder() throws {
    let golden = try #require(PackCases.all.first { $0.id == Self.folderCases[0] })
    #expect(try PackCopy(of: golden).run().verdict == .passed)
    let pack = try PackCopy(of: golden) {
      $0.replacing(#""result":"valid""#, with: #""result":"malformed""#)
    }
    #expect(try pack.run().description.contains("it loads, expected to be refused as malformed"))
  }

  @Test("it is noticed if a folder is refused with other words or for another reason")
  func refusedFolder() throws {
    let golden = try #require(PackCases.all.first { $0.id == Self.folderCases[1] })
    #expect(try PackCopy(of: golden).run().verdict == .passed)
    let words = try PackCopy(of: golden) {
      $0.replacing(#"["lora_alpha"]"#, with: #"["lora_alpha","Alpha"]"#)
    }
    #expect(try words.run().description.contains("the error does not say 'Alpha'"))
    let reason = try PackCopy(of: golden) {
      $0.replacing(#""result":"malformed""#, with: #""result":"unsupported""#)
    }
    #expect(try reason.run().description.contains("is found malformed, expected unsupported"))
    let loads = try PackCopy(of: golden) {
      $0.replacing(#""result":"malformed""#, with: #""result":"valid""#)
        .replacing(#""check":"words""#, with: #""check":"loads""#)
    }
    #expect(try loads.run().isFailure)
  }
}

/// A pack of one case: the manifest's line without digests, the other files by reference.
private final class PackCopy {
  private let folder: URL
  private let original: URL

  /// - Parameter change: Changes the case's line of the manifest.
  init(of golden: GoldenCase, change: (String) -> String = { $0 }) throws {
    original = try #require(GoldenPack.directory)
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-copy-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: original.path)
    where name != "manifest.json" {
      try FileManager.default.createSymbolicLink(
        at: folder.appendingPathComponent(name),
        withDestinationURL: original.appendingPathComponent(name))
    }
    let manifest = try String(
      contentsOf: original.appendingPathComponent("manifest.json"), encoding: .utf8)
    let lines = manifest.split(separator: "\n")
    let line = try #require(lines.first { $0.hasPrefix("{\"id\":\"\(golden.id)\"") })
    let start = try #require(line.range(of: "\"sha256\":{")).lowerBound
    let flags = golden.flags.map { "\"\($0)\":\"A flag.\"" }.joined(separator: ",")
    let text =
      "{\"version\":1,\"flags\":{\(flags)},\"cases\":[\(change(String(line[..<start])))\"sha256\":{}}]}"
    try text.write(
      to: folder.appendingPathComponent("manifest.json"), atomically: true, encoding: .utf8)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  func run() throws -> CaseReport {
    try #require(try Verification(pack: folder).run().cases.first)
  }

  /// Flips the lowest bit of the first element, of a binary64 one a bit of its exponent.
  func flip(_ reference: GoldenReference) throws {
    let declared = try #require(reference.tensor)
    let tensor = try SafetensorsFile(contentsOf: original.appendingPathComponent(reference.file))
      .tensor(named: declared.name)
    let isDouble = declared.dtype == .f64
    try change(reference.file) { bytes in
      bytes[tensor.byteRange.lowerBound + (isDouble ? 7 : 0)] ^= isDouble ? 0x20 : 1
    }
  }

  /// Flips a bit of the last byte that is no line feed; of a folder's last file.
  func flipLastByte(of reference: GoldenReference) throws {
    var path = reference.file
    let url = original.appendingPathComponent(path)
    if let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) {
      path += "/" + (try #require(names.filter { $0.hasSuffix(".safetensors") }.max()))
    }
    try change(path) { bytes in
      let last = try #require(bytes.lastIndex { $0 != UInt8(ascii: "\n") })
      bytes[last] ^= 1
    }
  }

  /// Replaces a file by a changed copy: the links on the way to it become folders.
  private func change(_ path: String, _ body: (inout [UInt8]) throws -> Void) throws {
    var bytes = [UInt8](try Data(contentsOf: original.appendingPathComponent(path)))
    try body(&bytes)
    let parts = path.split(separator: "/").map(String.init)
    var place = ""
    for part in parts.dropLast() {
      place += "\(part)/"
      let copy = folder.appendingPathComponent(place)
      try FileManager.default.removeItem(at: copy)
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
      for name in try FileManager.default.contentsOfDirectory(
        atPath: original.appendingPathComponent(place).path)
      {
        try FileManager.default.createSymbolicLink(
          at: copy.appendingPathComponent(name),
          withDestinationURL: original.appendingPathComponent(place).appendingPathComponent(name))
      }
    }
    let target = folder.appendingPathComponent(path)
    try FileManager.default.removeItem(at: target)
    try Data(bytes).write(to: target)
  }
}
