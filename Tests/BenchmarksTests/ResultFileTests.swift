import Foundation
import Testing

@testable import benchmarks

@Suite("The files of a run")
struct ResultFileTests {
  private static let row = """
    {"kind": "row", "case": "a/1", "implementation": "meteora", "threads": 1, "median_ms": 2.5,
    "spread_ms": 0.5, "samples": 7}
    """.replacing("\n", with: "")

  /// Calls `body` with the path of a file that holds `text`.
  private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("benchmarks-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("run.jsonl").path
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try body(path)
  }

  private func document(_ path: String) throws -> ResultsDocument {
    try ResultsDocument(BenchmarkOptions(["table", "--date", "today", path]))
  }

  @Test("make a page, with empty lines between results")
  func page() throws {
    try withFile("\(Self.row)\n\n\(Self.row)\n") { path in
      let text = try document(path).text
      #expect(text.contains("| a/1 | 1 | 2.500 ± 0.500 |\n"))
    }
  }

  @Test("are refused with the line that is no result")
  func broken() throws {
    try withFile("\(Self.row)\nhello\n") { path in
      #expect(throws: TextFileError.line(path: path, number: 2, .noResult)) {
        try document(path)
      }
    }
    try withFile("") { path in
      #expect(throws: TextFileError.noRow(paths: [path])) { try document(path) }
    }
  }

  @Test("are refused in one sentence if the system refuses them")
  func missing() throws {
    try withFile("") { path in
      let missing = path + "-missing"
      let error = #expect(throws: TextFileError.self) { try TextFile.read(missing) }
      #expect(error?.description == "'\(missing)' cannot be read: No such file or directory")
      let folder = path + "/in-a-file"
      let other = #expect(throws: TextFileError.self) { try TextFile.write("x", to: folder) }
      #expect(other?.description.hasPrefix("'\(folder)' cannot be written: ") == true)
      #expect(other?.description.contains("Domain") == false)
    }
  }

  @Test("are written as a whole")
  func written() throws {
    try withFile("old") { path in
      try TextFile.write("new\n", to: path)
      #expect(try TextFile.read(path) == "new\n")
    }
  }
}
