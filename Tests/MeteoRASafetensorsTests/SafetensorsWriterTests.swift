import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors writing")
struct SafetensorsWriterTests {
  private func content(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("it writes numbers, in pieces and in any order of tensors")
  func writesNumbers() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out.safetensors")
      let writer = try SafetensorsWriter(
        to: url,
        tensors: [
          .init("f", .f32, [3]), .init("i", .i64, []), .init("d", .f64, [1]),
          .init("e", .f32, [0, 7]), .init("h", .bf16, [1]),
        ], metadata: ["b": "1", "a": "2"])
      try writer.append([1, -0.0] as [Float], to: "f")
      try writer.append([-7] as [Int64], to: "i")
      try writer.append([0x1p-1074] as [Double], to: "d")
      try writer.append([] as [Float], to: "e")
      try writer.append([3] as [Float], to: "f")
      try ([0x80, 0x3F] as [UInt8]).withUnsafeBytes { try writer.append(bytes: $0, to: "h") }
      try writer.finish()
      let file = try SafetensorsFile(contentsOf: url)
      #expect(file.tensors.map(\.name) == ["i", "d", "e", "f", "h"])
      #expect(file.metadata?.entries.map(\.key) == ["b", "a"])
      #expect(
        try file.tensor(named: "f").float32Values().map(\.bitPattern)
          == [0x3F80_0000, 0x8000_0000, 0x4040_0000])
      #expect(try file.tensor(named: "i").int64Values() == [-7])
      #expect(try file.tensor(named: "d").float64Values() == [0x1p-1074])
      #expect(try file.tensor(named: "h").float32Values() == [1])
      #expect(try content(folder) == ["out.safetensors"])
    }
  }

  @Test(
    "it refuses tensors that no file can hold",
    arguments: [
      (
        [.init("__metadata__", .u8, [1])],
        .reservedName(file: "/nowhere/f", tensor: "__metadata__")
      ),
      (
        [.init("w", .u8, [1]), .init("w", .f32, [1])],
        .duplicateTensor(file: "/nowhere/f", tensor: "w")
      ),
      (
        [.init("w", .u8, [2, -1])],
        .invalidShape(file: "/nowhere/f", tensor: "w", shape: [2, -1])
      ),
      (
        [.init("w", .f32, [1 << 61])],
        .invalidShape(file: "/nowhere/f", tensor: "w", shape: [1 << 61])
      ),
      (
        [.init("v", .u8, [1 << 62]), .init("w", .u8, [1 << 62])],
        .invalidShape(file: "/nowhere/f", tensor: "w", shape: [1 << 62])
      ),
    ] as [([SafetensorsWriter.Declaration], SafetensorsError)])
  func refuses(tensors: [SafetensorsWriter.Declaration], expected: SafetensorsError) {
    #expect(throws: expected) {
      try SafetensorsWriter(to: URL(fileURLWithPath: "/nowhere/f"), tensors: tensors)
    }
  }

  @Test("it refuses a header beyond the limit of the format")
  func refusesLargeHeader() {
    let url = URL(fileURLWithPath: "/nowhere/f")
    #expect(
      throws: SafetensorsError.headerTooLarge(
        file: url.path, declared: 100_000_032, limit: 100_000_000)
    ) {
      try SafetensorsWriter(
        to: url, tensors: [], metadata: ["k": String(repeating: "v", count: 100_000_000)])
    }
  }

  @Test("it takes names that only Unicode equivalence joins")
  func takesEquivalentNames() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out")
      let writer = try SafetensorsWriter(
        to: url, tensors: [.init("\u{E9}", .u8, [0]), .init("e\u{301}", .u8, [0])])
      try writer.finish()
      #expect(try SafetensorsFile(contentsOf: url).tensors.count == 2)
    }
  }

  @Test("it refuses bytes that do not fit and leaves the old file alone")
  func refusesWrongContent() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out")
      try Data("old".utf8).write(to: url)
      let writer = try SafetensorsWriter(
        to: url, tensors: [.init("w", .f32, [2]), .init("i", .i64, [1])])
      try writer.append([1] as [Float], to: "w")
      #expect(
        throws: SafetensorsError.contentMismatch(
          file: url.path, tensor: "w", expected: 8, actual: 12)
      ) { try writer.append([2, 3] as [Float], to: "w") }
      #expect(throws: SafetensorsError.tensorNotFound(file: url.path, tensor: "v")) {
        try writer.append([1] as [Float], to: "v")
      }
      #expect(
        throws: SafetensorsError.conversion(
          file: url.path, tensor: "w", dtype: .f32, wanted: "binary64")
      ) { try writer.append([1] as [Double], to: "w") }
      #expect(
        throws: SafetensorsError.contentMismatch(
          file: url.path, tensor: "i", expected: 8, actual: 0)
      ) { try writer.finish() }
      try writer.append([9] as [Int64], to: "i")
      #expect(
        throws: SafetensorsError.contentMismatch(
          file: url.path, tensor: "w", expected: 8, actual: 4)
      ) { try writer.finish() }
      writer.cancel()
      #expect(throws: SafetensorsError.writerClosed(file: url.path)) { try writer.finish() }
      #expect(throws: SafetensorsError.writerClosed(file: url.path)) {
        try writer.append([2] as [Float], to: "w")
      }
      #expect(try content(folder) == ["out"])
      #expect(try Data(contentsOf: url) == Data("old".utf8))
    }
  }

  @Test("it removes what it wrote when nobody finishes it")
  func removesAbandoned() throws {
    try withTemporaryFolder { folder in
      do {
        let writer = try SafetensorsWriter(
          to: folder.appendingPathComponent("out"), tensors: [.init("w", .f32, [1])])
        try writer.append([1] as [Float], to: "w")
        #expect(try content(folder).count == 1)
      }
      #expect(try content(folder).isEmpty)
    }
  }

  @Test("it replaces a file that is being read, whose reader keeps the old one")
  func replacesFileInUse() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("w.safetensors")
      for value in [1, 2] as [Float] {
        let old = try? SafetensorsFile(contentsOf: url).tensor(named: "w")
        let writer = try SafetensorsWriter(to: url, tensors: [.init("w", .f32, [1])])
        try writer.append([value], to: "w")
        try writer.finish()
        if let old { #expect(try old.float32Values() == [value - 1]) }
      }
      #expect(try SafetensorsFile(contentsOf: url).tensor(named: "w").float32Values() == [2])
    }
  }

  @Test("it says why a file cannot be made")
  func saysWhy() throws {
    try withTemporaryFolder { folder in
      let absent = folder.appendingPathComponent("absent")
      #expect(throws: SafetensorsError.inaccessible(.notFound(path: absent.path))) {
        try SafetensorsWriter(to: absent.appendingPathComponent("out"), tensors: [])
      }
      #expect(throws: SafetensorsError.inaccessible(.isFolder(path: folder.path))) {
        try SafetensorsWriter(to: folder, tensors: [])
      }
    }
  }
}
