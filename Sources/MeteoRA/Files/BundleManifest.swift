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
    var unknown: [MeteoRAError] = []
    try self.init(folder: folder, unknownFields: &unknown)
    if let problem = unknown.first { throw problem }
    try files.validate()
  }

  /// Reads what a manifest names, whatever it holds beside that, and whether or not the router
  /// suits the adapters.
  ///
  /// - Parameter unknownFields: Takes a problem for each of them.
  /// - Throws: ``MeteoRAError`` for anything else that ``init(folder:)`` refuses in the file.
  init(folder: URL, unknownFields: inout [MeteoRAError]) throws(MeteoRAError) {
    let url = folder.appendingPathComponent(Self.fileName)
    let root: JSONValue
    let version: Int
    do throws(JSONError) {
      root = try JSONDocument(contentsOf: url).root
      version = try root.required("format_version").integerValue()
    } catch {
      throw .json(error)
    }
    guard version == Self.formatVersion else {
      throw .unsupported(
        file: url.path, field: "format_version", found: "\(version)",
        supported: "\(Self.formatVersion)")
    }
    let fields: ManifestFields
    do throws(JSONError) {
      fields = try ManifestFields(root)
    } catch {
      throw .json(error)
    }
    unknownFields += fields.unknown.map { .json($0) }
    files = try fields.files(in: folder, file: url.path)
  }
}

/// The fields of a manifest of this version, each with the type that it has to have.
private struct ManifestFields {
  /// A path, and where it stands.
  struct Path {
    let json: JSONValue
    let text: String

    init(_ json: JSONValue) throws(JSONError) {
      self.json = json
      text = try json.stringValue()
    }
  }

  var base: Path
  var adapters: [(name: String, path: Path)] = []
  var gates: Path
  var router: RouterConfiguration
  /// What fields of other names would be refused with.
  var unknown: [JSONError]

  init(_ root: JSONValue) throws(JSONError) {
    unknown = try root.problems(
      withFieldsExcept: ["format_version", "base", "adapters", "gates", "router"])
    let router = try root.required("router")
    unknown += try router.problems(withFieldsExcept: ["top_k", "temperature"])
    self.router = RouterConfiguration(
      topK: try router.required("top_k").integerValue(),
      temperature: Float(try router.required("temperature").doubleValue()))
    base = try Path(root.required("base"))
    gates = try Path(root.required("gates"))
    for entry in try root.required("adapters").elementsValue() {
      unknown += try entry.problems(withFieldsExcept: ["name", "path"])
      adapters.append(
        (try entry.required("name").stringValue(), try Path(entry.required("path"))))
    }
  }

  func files(in folder: URL, file: String) throws(MeteoRAError) -> ModelFiles {
    var files = ModelFiles(
      base: try base.url(in: folder, file: file),
      gates: .file(try gates.url(in: folder, file: file)),
      router: router)
    for (name, path) in adapters {
      files.adapters.append(
        ModelFiles.Adapter(name: name, folder: try path.url(in: folder, file: file)))
    }
    return files
  }
}

extension ManifestFields.Path {
  /// The place that the path leads to.
  ///
  /// - Throws: ``MeteoRAError/invalid(file:field:found:expected:)`` if that is outside of the
  ///   folder.
  func url(in folder: URL, file: String) throws(MeteoRAError) -> URL {
    // Bytes: "/" and a combining mark are one Character, which no split at "/" would see.
    let components = text.utf8.split(
      separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let leaves = components.contains { $0.elementsEqual("..".utf8) }
    let isAbsolute = components.first?.isEmpty ?? true
    guard !isAbsolute, !leaves, !text.utf8.contains(0) else {
      throw .invalid(
        file: file, field: json.path, found: "'\(printable(text))'",
        expected: "a path inside the bundle")
    }
    return folder.appendingPathComponent(text)
  }
}
