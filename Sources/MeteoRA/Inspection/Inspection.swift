import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// What a file or folder is, and what is in it.
public enum Inspection: Sendable {
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
  /// - Throws: ``MeteoRAError`` if nothing is there, it is of no kind known here, or it cannot be
  ///   read at all.
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
      self = .bundle(try BundleInspection(folder: url))
    } else if holds(PEFTAdapter.configurationFile) {
      self = .adapter(try AdapterInspection(folder: url, base: base))
    } else if holds("config.json") {
      self = .model(try ModelInspection(folder: url))
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
      throw .safetensors(error)
    }
  }

  /// Everything that would keep it from being loaded.
  public var problems: [MeteoRAError] {
    switch self {
    case .tensors: []
    case .gates(let gates): gates.problems
    case .checkpoint(let checkpoint): checkpoint.problems
    case .adapter(let adapter): adapter.problems
    case .model(let model): model.problems
    case .bundle(let bundle): bundle.problems
    }
  }
}
