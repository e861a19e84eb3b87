import Foundation
import MeteoRAFixtures
import MeteoRASafetensors

/// A copy of a model folder of the fixtures, to be damaged by a test.
struct ModelCopy {
  let folder: URL

  struct MissingFixtures: Error {}

  /// A model folder of the golden pack.
  static func original(_ name: String) throws -> URL {
    guard let pack = GoldenPack.directory else { throw MissingFixtures() }
    return pack.appendingPathComponent("models/\(name)", isDirectory: true)
  }

  /// The names of all model folders of the golden pack.
  static let names: [String] = {
    guard let pack = GoldenPack.directory else { return [] }
    let models = pack.appendingPathComponent("models")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: models.path)) ?? []
    return names.filter { !$0.hasSuffix(".safetensors") }.sorted()
  }()

  /// Calls `body` with a copy, which is removed afterwards.
  static func with(_ name: String, _ body: (ModelCopy) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-\(UUID().uuidString)", isDirectory: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let copy = ModelCopy(folder: folder.appendingPathComponent(name, isDirectory: true))
    try FileManager.default.copyItem(at: original(name), to: copy.folder)
    try body(copy)
  }

  func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

  /// A tensor on its way from one file to another.
  struct Tensor {
    var name: String
    var dtype: SafetensorsDType
    var shape: [Int]
    var bytes: [UInt8]
  }

  /// Writes a safetensors file anew.
  ///
  /// - Parameter change: Given each tensor; returns what takes its place.
  func rewrite(_ path: String, _ change: (Tensor) -> [Tensor]) throws {
    let file = try SafetensorsFile(contentsOf: url(path))
    let tensors = file.tensors.flatMap { tensor in
      change(
        Tensor(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
          bytes: tensor.withUnsafeBytes(Array.init)))
    }
    let writer = try SafetensorsWriter(
      to: url(path), tensors: tensors.map { .init($0.name, $0.dtype, $0.shape) })
    for tensor in tensors {
      try tensor.bytes.withUnsafeBytes { try writer.append(bytes: $0, to: tensor.name) }
    }
    try writer.finish()
  }

  /// Replaces a text in a file.
  func replace(_ old: String, by new: String, in path: String) throws {
    let text = try String(contentsOf: url(path), encoding: .utf8)
    guard text.contains(old) else { throw MissingFixtures() }
    try text.replacingOccurrences(of: old, with: new)
      .write(to: url(path), atomically: true, encoding: .utf8)
  }
}
