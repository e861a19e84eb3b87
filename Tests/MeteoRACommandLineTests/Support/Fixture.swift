import Foundation
import MeteoRAFixtures
import MeteoRASafetensors
import Testing

/// Folders of the fixtures; a missing one fails.
enum Fixture {
  struct Missing: Error {}

  /// The demo bundle: five adapters, a tokenizer of 512 tokens.
  static func demo(_ path: String = "") throws -> String {
    guard let folder = DemoBundle.directory else { throw Missing() }
    return folder.appendingPathComponent(path).path
  }

  /// A path inside the golden pack.
  static func golden(_ path: String) throws -> String {
    guard let folder = GoldenPack.directory else { throw Missing() }
    return folder.appendingPathComponent(path).path
  }

  /// A model folder of the golden pack.
  static func model(_ name: String) throws -> String { try golden("models/\(name)") }
}

/// Calls `body` with a new folder, which is removed afterwards.
func withTemporaryFolder(_ body: (URL) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("meteora-\(UUID().uuidString)", isDirectory: true)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder)
}

extension URL {
  /// The names of all that is in a folder, hidden ones too, ascending.
  func contents() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}
