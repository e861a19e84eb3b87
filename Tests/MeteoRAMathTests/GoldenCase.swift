import Foundation
import MeteoRAFixtures

/// One line of the golden pack's manifest, with what these tests read of it.
struct GoldenCase: Decodable {
  struct TensorReference: Decodable {
    let file: String
    let tensor: String
    let shape: [Int]
  }

  struct Parameters: Decodable {
    let checksum: String?

    private enum CodingKeys: String, CodingKey {
      case checksum = "fnv1a_of_all"
    }
  }

  /// A tensor's entry in the header of a safetensors file.
  private struct HeaderEntry: Decodable {
    let offsets: [Int]

    private enum CodingKeys: String, CodingKey {
      case offsets = "data_offsets"
    }
  }

  struct Missing: Error {
    let what: String
  }

  let id: String
  let operation: String
  let parameters: Parameters
  let inputs: [String: TensorReference]
  let outputs: [String: TensorReference]

  /// The cases of one operation in the pack's areas `math` and `kernels`; at least one.
  static func all(of operation: String) throws -> [GoldenCase] {
    let data = try Data(contentsOf: try directory().appendingPathComponent("manifest.json"))
    let manifest = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    // Other areas describe their inputs in other ways.
    let own = (manifest?["cases"] as? [[String: Any]] ?? []).filter { entry in
      let id = entry["id"] as? String ?? ""
      return (id.hasPrefix("math/") || id.hasPrefix("kernels/"))
        && entry["operation"] as? String == operation
    }
    guard !own.isEmpty else { throw Missing(what: "a golden case of \(operation)") }
    return try JSONDecoder().decode(
      [GoldenCase].self, from: JSONSerialization.data(withJSONObject: own))
  }

  static func named(_ id: String, of operation: String) throws -> GoldenCase {
    guard let found = try all(of: operation).first(where: { $0.id == id }) else {
      throw Missing(what: "the golden case \(id)")
    }
    return found
  }

  func floats(_ name: String) throws -> [Float] {
    try elements(name, as: UInt32.self).map { Float(bitPattern: $0) }
  }

  /// The little-endian elements of an input or output, as unsigned numbers of their size.
  func elements<Element: FixedWidthInteger>(
    _ name: String, as type: Element.Type
  ) throws -> [Element] {
    let reference = try reference(name)
    let file = try Self.directory().appendingPathComponent(reference.file)
    let bytes = [UInt8](try Data(contentsOf: file))
    let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONDecoder().decode(
      [String: HeaderEntry].self, from: Data(bytes[8..<(8 + headerLength)]))
    guard let entry = header[reference.tensor] else {
      throw Missing(what: "the tensor \(reference.tensor)")
    }
    let size = MemoryLayout<Element>.size
    let start = 8 + headerLength + entry.offsets[0]
    let count = reference.shape.reduce(1, *)
    guard count * size == entry.offsets[1] - entry.offsets[0] else {
      throw Missing(what: "an element of \(reference.tensor)")
    }
    return bytes.withUnsafeBytes { buffer in
      (0..<count).map {
        Element(littleEndian: buffer.loadUnaligned(fromByteOffset: start + $0 * size, as: type))
      }
    }
  }

  func shape(_ name: String) throws -> [Int] {
    try reference(name).shape
  }

  private func reference(_ name: String) throws -> TensorReference {
    guard let reference = inputs[name] ?? outputs[name] else {
      throw Missing(what: "the tensor \(name) of \(id)")
    }
    return reference
  }

  private static func directory() throws -> URL {
    guard let directory = GoldenPack.directory else { throw Missing(what: "the golden pack") }
    return directory
  }
}
