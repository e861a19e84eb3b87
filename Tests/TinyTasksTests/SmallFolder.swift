import Foundation
import MeteoRASafetensors
import MeteoRATestSupport

@testable import TinyTasks

/// A folder of few lines, made once for all tests.
struct SmallFolder {
  static let size = TinyDataSize(
    base: 200, adapter: 40, gates: 6, mixed: 4, test: 20, composites3: 10, composites5: 5)

  static let shared = Result { try SmallFolder(seed: 47) }

  let parent: TemporaryFolder
  var url: URL { parent.url.appendingPathComponent("data") }

  init(seed: UInt64) throws {
    parent = try TemporaryFolder()
    try TinyDataFolder.write(
      to: parent.url.appendingPathComponent("data"), seed: seed, size: Self.size)
  }

  func file(_ path: String) -> URL { url.appendingPathComponent(path) }

  /// The paths of all files, in the order of their bytes.
  func paths() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: url.path).filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: file(path).path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// As `sha256sum` writes it, for all files.
  func digests() throws -> [String] {
    try paths().map { "\(try SHA256.hexDigest(ofFile: file($0)))  \($0)" }
  }

  /// The prompts and answers of a file.
  func samples(_ path: String) throws -> [(prompt: String, response: String)] {
    let text = String(decoding: try Data(contentsOf: file(path)), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      let sample = try JSONDocument(bytes: Array(line.utf8), source: path).root
      return try (
        sample.required("prompt").stringValue(), sample.required("response").stringValue()
      )
    }
  }
}
