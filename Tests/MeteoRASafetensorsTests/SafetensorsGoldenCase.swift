import Foundation
import MeteoRAFixtures
import Testing

@testable import MeteoRASafetensors

/// A case of the golden pack's area "safetensors", read with the JSON reader under test, whose own
/// tests do not use it.
struct SafetensorsGoldenCase: Sendable, CustomTestStringConvertible {
  struct Missing: Error {}

  let value: JSONValue
  let folder: URL

  var id: String { value["id"]?.string ?? "" }
  var result: String { value["result"]?.string ?? "" }
  var parameters: JSONValue? { value["parameters"] }
  var testDescription: String { id }

  /// All cases of an operation; none if the pack is missing, which `isComplete` then reports.
  static func all(_ operation: String) -> [SafetensorsGoldenCase] {
    guard
      let folder = GoldenPack.directory,
      let root = try? JSONDocument(contentsOf: folder.appendingPathComponent("manifest.json")).root,
      let cases = root["cases"]?.elements
    else { return [] }
    return cases.lazy
      .filter { $0["id"]?.string?.hasPrefix("safetensors/") == true }
      .filter { $0["operation"]?.equals(operation) == true }
      .map { SafetensorsGoldenCase(value: $0, folder: folder) }
  }

  func has(flag: String) -> Bool {
    value["flags"]?.elements?.contains { $0.equals(flag) } == true
  }

  /// The address of the file of an input or output.
  func file(_ role: String, _ name: String) throws -> URL {
    guard let path = value[role]?[name]?["file"]?.string else { throw Missing() }
    return folder.appendingPathComponent(path)
  }

  /// The bytes of a file of the case.
  func bytes(_ role: String, _ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: file(role, name)))
  }

  /// `parameters.tensors`, in order.
  func tensors() throws -> [GoldenTensor] {
    guard let elements = parameters?["tensors"]?.elements else { throw Missing() }
    return try elements.map(GoldenTensor.init)
  }

  /// `parameters.metadata`, in order; `nil` if it is null.
  func metadata() throws -> SafetensorsMetadata? {
    guard let entries = parameters?["metadata"]?.elements else { return nil }
    return SafetensorsMetadata(
      entries: try entries.map { pair in
        let texts = pair.elements.map(Array.init) ?? []
        guard texts.count == 2, let key = texts[0].string, let value = texts[1].string else {
          throw Missing()
        }
        return (key, value)
      })
  }
}

/// A tensor as the manifest describes it.
struct GoldenTensor: Equatable {
  let name: [UInt8]
  let dtype: String
  let shape: [Int]
  let bytes: [UInt8]

  init(_ value: JSONValue) throws {
    name = try value.required("name").utf8Value()
    dtype = try value.required("dtype").stringValue()
    shape = try value.required("shape").elementsValue().map { try $0.integerValue() }
    let digits = try value.required("bytes").utf8Value()
    bytes = stride(from: 0, to: digits.count, by: 2).compactMap { position in
      UInt8(String(decoding: digits[position..<(position + 2)], as: UTF8.self), radix: 16)
    }
  }

  init(_ tensor: SafetensorsTensor) {
    name = Array(tensor.name.utf8)
    dtype = tensor.dtype.name
    shape = tensor.shape
    bytes = tensor.withUnsafeBytes { Array($0) }
  }
}
