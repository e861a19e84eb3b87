import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors against the golden pack")
struct SafetensorsGoldenTests {
  static let reading = SafetensorsGoldenCase.all("safetensors_read")
  static let writing = SafetensorsGoldenCase.all("safetensors_write")
  static let widening = SafetensorsGoldenCase.all("widen")
  static let folders = SafetensorsGoldenCase.all("safetensors_read_folder")

  @Test("it finds every case of the pack")
  func isComplete() {
    #expect(Self.reading.count == 144)
    #expect(Self.reading.filter { $0.result == "valid" }.count == 30)
    #expect(Self.writing.count == 15)
    #expect(Self.widening.count == 4)
    #expect(Self.folders.count == 1)
  }

  @Test("it judges each file as the pack does", arguments: reading)
  func judges(golden: SafetensorsGoldenCase) throws {
    let url = try golden.file("inputs", "file")
    do throws(SafetensorsError) {
      _ = try SafetensorsFile(contentsOf: url)
      #expect(golden.result == "valid")
    } catch {
      switch error.category {
      case .malformed: #expect(golden.result == "malformed", "\(error)")
      case .unsupported: #expect(golden.result == "unsupported", "\(error)")
      case .inaccessible, .request: Issue.record("\(error)")
      }
      #expect(!error.description.contains("\n"))
    }
  }

  @Test(
    "it reads the tensors of each valid file", arguments: reading.filter { $0.result == "valid" })
  func reads(golden: SafetensorsGoldenCase) throws {
    let bytes = try golden.bytes("inputs", "file")
    let expected = try golden.tensors()
    let metadata = try golden.metadata()
    for file in [
      try SafetensorsFile(contentsOf: golden.file("inputs", "file")),
      try SafetensorsFile(bytes: bytes, source: "in memory"),
    ] {
      #expect(file.tensors.map(GoldenTensor.init) == expected)
      #expect(texts(file.metadata) == texts(metadata))
      for tensor in expected {
        let name = String(decoding: tensor.name, as: UTF8.self)
        #expect(try GoldenTensor(file.tensor(named: name)) == tensor)
      }
    }
  }

  @Test("it writes the bytes of the safetensors package", arguments: writing)
  func writes(golden: SafetensorsGoldenCase) throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out.safetensors")
      let tensors = try golden.tensors()
      try write(tensors, metadata: golden.metadata(), to: url)
      #expect([UInt8](try Data(contentsOf: url)) == (try golden.bytes("outputs", "file")))
    }
  }

  @Test(
    "it writes again what it read, byte for byte",
    arguments: reading.filter { $0.has(flag: "package") })
  func writesAgain(golden: SafetensorsGoldenCase) throws {
    try withTemporaryFolder { folder in
      let file = try SafetensorsFile(contentsOf: golden.file("inputs", "file"))
      let url = folder.appendingPathComponent("again.safetensors")
      try write(file.tensors.map(GoldenTensor.init), metadata: file.metadata, to: url)
      #expect([UInt8](try Data(contentsOf: url)) == (try golden.bytes("inputs", "file")))
    }
  }

  @Test("it widens every narrow float exactly", arguments: widening)
  func widens(golden: SafetensorsGoldenCase) throws {
    let file = try SafetensorsFile(contentsOf: golden.file("inputs", "x"))
    let names = (
      try #require(golden.value["inputs"]?["x"]?["tensor"]?.string),
      try #require(golden.value["outputs"]?["y"]?["tensor"]?.string)
    )
    let actual = try file.tensor(named: names.0).float32Values()
    let expected = try file.tensor(named: names.1).float32Values()
    #expect(actual.count == expected.count)
    #expect(expected.count >= 256)
    for (index, (actual, expected)) in zip(actual, expected).enumerated() {
      let isEqual = actual.bitPattern == expected.bitPattern || (actual.isNaN && expected.isNaN)
      #expect(isEqual, "element \(index): \(actual), expected \(expected)")
    }
    let wide = try file.tensor(named: names.0).float64Values()
    #expect(wide.map(\.bitPattern) == actual.map { Double($0).bitPattern })
  }

  @Test("it reads a folder of shards", arguments: folders)
  func readsFolder(golden: SafetensorsGoldenCase) throws {
    let checkpoint = try SafetensorsCheckpoint(folder: golden.file("inputs", "folder"))
    #expect(checkpoint.tensors.map(GoldenTensor.init) == (try golden.tensors()))
    #expect(checkpoint.files.count == 2)
    #expect(try checkpoint.tensor(named: "c.weight").dtype == .f16)
  }

  /// Keys and values as bytes, in order.
  private func texts(_ metadata: SafetensorsMetadata?) -> [[UInt8]]? {
    metadata?.entries.flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
  }

  private func write(
    _ tensors: [GoldenTensor], metadata: SafetensorsMetadata?, to url: URL
  ) throws {
    let declarations = try tensors.map { tensor in
      SafetensorsWriter.Declaration(
        String(decoding: tensor.name, as: UTF8.self),
        try #require(SafetensorsDType(name: tensor.dtype)), tensor.shape)
    }
    let writer = try SafetensorsWriter(to: url, tensors: declarations, metadata: metadata)
    for (declaration, tensor) in zip(declarations, tensors) {
      for piece in [tensor.bytes.prefix(1), tensor.bytes.dropFirst()] {
        try Array(piece).withUnsafeBytes { try writer.append(bytes: $0, to: declaration.name) }
      }
    }
    try writer.finish()
  }
}

/// Calls `body` with an empty folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("meteora-tests-\(UUID().uuidString)", isDirectory: true)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
