import Foundation
import MeteoRASafetensors

/// A folder that holds a whole MeteoRA model: `meteora.json`, a base, adapters and gates.
///
/// ```json
/// {"format_version":1, "base":"base", "adapters":[{"name":"a","path":"adapters/a"}],
///  "gates":"gates.safetensors", "router":{"top_k":2,"temperature":1.0}}
/// ```
///
/// Paths stay inside the folder.
struct BundleManifest: Sendable {
  static let fileName = "meteora.json"
  static let formatVersion = 1

  /// What the manifest names.
  let files: ModelFiles

  /// - Throws: ``MeteoRAError`` if `meteora.json` cannot be read, has an unknown version or field,
  ///   names a path outside the folder, or holds a router that does not suit the adapters.
  init(folder: URL) throws(MeteoRAError) {
    let url = folder.appendingPathComponent(Self.fileName)
    do {
      let root = try JSONDocument(contentsOf: url).root
      files = try Self.read(root, file: url.path, folder: folder)
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as MeteoRAError {
      throw error
    } catch {
      throw .inaccessible(path: url.path, reason: "\(error)")
    }
    try files.validate()
  }

  private static func read(_ root: JSONValue, file: String, folder: URL) throws -> ModelFiles {
    let version = try root.required("format_version").integerValue()
    guard version == formatVersion else {
      throw MeteoRAError.unsupported(
        file: file, field: "format_version", found: "\(version)", supported: "\(formatVersion)")
    }
    try root.refuseFields(
      except: ["format_version", "base", "adapters", "gates", "router"], file: file)
    let router = try root.required("router")
    try router.refuseFields(except: ["top_k", "temperature"], file: file)
    func inside(_ value: JSONValue) throws -> URL {
      let path = try value.stringValue()
      // Bytes: "/" and a combining mark are one Character, which no split at "/" would see.
      let components = path.utf8.split(
        separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      let leaves = components.contains { $0.elementsEqual("..".utf8) }
      let isAbsolute = components.first?.isEmpty ?? true
      guard !isAbsolute, !leaves, !path.utf8.contains(0) else {
        throw MeteoRAError.invalid(
          file: file, field: value.path, found: "'\(printable(path))'",
          expected: "a path inside the bundle")
      }
      return folder.appendingPathComponent(path)
    }
    var adapters: [ModelFiles.Adapter] = []
    for entry in try root.required("adapters").elementsValue() {
      try entry.refuseFields(except: ["name", "path"], file: file)
      adapters.append(
        ModelFiles.Adapter(
          name: try entry.required("name").stringValue(),
          folder: try inside(entry.required("path"))))
    }
    return ModelFiles(
      base: try inside(root.required("base")), adapters: adapters,
      gates: .file(try inside(root.required("gates"))),
      router: RouterConfiguration(
        topK: try router.required("top_k").integerValue(),
        temperature: Float(try router.required("temperature").doubleValue())))
  }
}

extension JSONValue {
  /// Throws if the object has a field that is not among `known`.
  fileprivate func refuseFields(except known: [String], file: String) throws {
    for (key, value) in try membersValue() where !known.contains(where: key.equals) {
      throw MeteoRAError.unsupported(
        file: file, field: value.path, found: "given", supported: known.joined(separator: ", "))
    }
  }
}
