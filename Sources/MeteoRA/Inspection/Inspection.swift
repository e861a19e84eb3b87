import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// What a file or folder is, and what is in it.
public enum Inspection: Sendable {
  /// A file that cannot be read as a safetensors file.
  case unreadable(path: String, MeteoRAError)
  /// A safetensors file that is none of the others.
  case tensors(SafetensorsFile)
  /// A file with gates alone.
  case gates(GatesInspection)
  /// A checkpoint of the published code.
  case checkpoint(CheckpointInspection)
  /// A PEFT folder.
  case adapter(AdapterInspection)
  /// A plain Hugging Face folder.
  case model(ModelInspection)
  /// A folder with a `meteora.json`.
  case bundle(BundleInspection)

  /// Finds out by the content: a folder by its JSON file, a file by the names of its tensors.
  ///
  /// - Parameters:
  ///   - url: A file or folder.
  ///   - base: The model that an adapter is compared with.
  /// - Throws: ``MeteoRAError`` if nothing is there, or it is of no kind known here. What cannot be
  ///   read is among the ``problems``.
  public init(contentsOf url: URL, base: LlamaConfiguration? = nil) throws(MeteoRAError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw .file(.notFound(path: url.path))
    }
    if !isFolder.boolValue {
      self = try Self.file(url)
      return
    }
    // Without it every file inside would seem to be missing.
    if access(url.path, X_OK) != 0 {
      throw .file(.noPermission(path: url.path, operation: "read"))
    }
    func holds(_ name: String) -> Bool {
      FileStatus.isThere(url.appendingPathComponent(name))
    }
    if holds(BundleManifest.fileName) {
      self = .bundle(BundleInspection(folder: url))
    } else if holds(PEFTAdapter.configurationFile) {
      self = .adapter(AdapterInspection(folder: url, base: base))
    } else if holds("config.json") {
      self = .model(ModelInspection(folder: url))
    } else if let adapters = try? ModelFiles.adapters(in: url) {
      throw .inaccessible(
        path: url.path,
        reason: "a folder of \(adapters.count) adapters, expected one of them, such as "
          + printable(adapters[0].name))
    } else {
      throw .inaccessible(
        path: url.path,
        reason: "the folder holds none of \(BundleManifest.fileName), "
          + "\(PEFTAdapter.configurationFile) and config.json")
    }
  }

  private static func file(_ url: URL) throws(MeteoRAError) -> Inspection {
    do throws(SafetensorsError) {
      let file = try SafetensorsFile(contentsOf: url)
      let tensors = ModuleTensors(file)
      guard tensors.contains(.gate) else { return .tensors(file) }
      return tensors.contains(.a) || tensors.contains(.b)
        ? .checkpoint(CheckpointInspection(file)) : .gates(GatesInspection(file, model: nil))
    } catch {
      guard !isJSON(url, error) else {
        throw .inaccessible(
          path: url.path,
          reason: "is a file of JSON, expected a safetensors file, or the folder of this one: "
            + url.deletingLastPathComponent().path)
      }
      return .unreadable(path: url.path, .safetensors(error))
    }
  }

  /// Whether what is no safetensors file has the name of a JSON file, or begins like one.
  private static func isJSON(_ url: URL, _ error: SafetensorsError) -> Bool {
    switch error {
    case .headerTooLarge(_, let declared, _):
      // What was taken for a length is the beginning of the file.
      let bytes = withUnsafeBytes(of: declared.littleEndian, Array.init)
      let first = bytes.first { !" \n\r\t".utf8.contains($0) }
      return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    case .tooShort: return url.path.utf8.suffix(5).elementsEqual(".json".utf8)
    default: return false
    }
  }

  /// Everything that would keep it from being loaded; of a file that breaks its format, the first.
  public var problems: [MeteoRAError] {
    switch self {
    case .unreadable(_, let problem): [problem]
    case .tensors: []
    case .gates(let gates): gates.problems
    case .checkpoint(let checkpoint): checkpoint.problems
    case .adapter(let adapter): adapter.problems
    case .model(let model): model.problems
    case .bundle(let bundle): bundle.problems
    }
  }
}
