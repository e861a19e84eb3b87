import Foundation
import MeteoRASafetensors

/// Where the parts of a model are: a base, adapters in order, and what chooses among them.
public struct ModelFiles: Sendable, Equatable {
  /// A PEFT folder and the name that the model knows it by.
  public struct Adapter: Sendable, Equatable {
    /// What the model calls it: a name that a folder can have on every system, 1 to 255 bytes of
    /// UTF-8 without `/`, `\` and control characters, and not `.` or `..`.
    public var name: String
    /// Holds `adapter_config.json` and `adapter_model.safetensors`.
    public var folder: URL

    /// What ``isFolderName(_:)`` asks for, in words.
    package static let nameRule =
      "1 to 255 bytes without '/', '\\' and control characters, and not '.' or '..'"

    /// The name is checked when a model is loaded.
    public init(name: String, folder: URL) {
      self.name = name
      self.folder = folder
    }

    /// Whether a folder can have the name on every system.
    package static func isFolderName(_ name: String) -> Bool {
      guard (1...255).contains(name.utf8.count),
        name.utf8.contains(where: { $0 != 0x2E }) || name.utf8.count > 2
      else { return false }
      return name.unicodeScalars.allSatisfy { scalar in
        switch scalar.value {
        // Separators of folders, control characters, and separators of lines.
        case 0x2F, 0x5C, 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: false
        default: true
        }
      }
    }
  }

  /// What chooses among the adapters.
  public enum Gates: Sendable, Equatable {
    /// Nothing: the base alone, or one adapter for every token.
    case absent
    /// A file with the gates.
    case file(URL)
    /// A checkpoint as the published code saves it: A, B and gates of all adapters.
    case checkpoint(URL)
  }

  /// The Hugging Face folder of the base model.
  public var base: URL
  /// In the order of the gates' rows.
  public var adapters: [Adapter]
  /// What chooses among the adapters.
  public var gates: Gates
  /// How it chooses; only looked at if there are gates.
  public var router: RouterConfiguration

  /// - Parameters:
  ///   - base: A Hugging Face folder.
  ///   - adapters: PEFT folders; their order is that of the gates' rows.
  ///   - gates: What chooses among the adapters.
  ///   - router: How it chooses.
  public init(
    base: URL, adapters: [Adapter] = [], gates: Gates = .absent,
    router: RouterConfiguration = RouterConfiguration()
  ) {
    self.base = base
    self.adapters = adapters
    self.gates = gates
    self.router = router
  }

  /// The files of a bundle, if `folder` holds a `meteora.json`, else of a plain Hugging Face
  /// folder.
  ///
  /// - Throws: ``MeteoRAError`` if `meteora.json` cannot be taken.
  public init(folder: URL) throws(MeteoRAError) {
    if Self.isBundle(folder) {
      self = try BundleManifest(folder: folder).files
      try router.validate(
        adapterCount: adapters.count,
        context: folder.appendingPathComponent(BundleManifest.fileName).path)
    } else {
      self.init(base: folder)
    }
  }

  /// Whether a folder holds a `meteora.json`.
  public static func isBundle(_ folder: URL) -> Bool {
    FileStatus.isThere(folder.appendingPathComponent(BundleManifest.fileName))
  }

  /// Whether a folder holds an adapter alone: an `adapter_config.json`, and no model or bundle.
  package static func isAdapter(_ folder: URL) -> Bool {
    func holds(_ name: String) -> Bool {
      FileStatus.isThere(folder.appendingPathComponent(name))
    }
    return holds(PEFTAdapter.configurationFile) && !holds(BaseFolder.configuration)
      && !isBundle(folder)
  }

  /// The adapters of a folder of PEFT folders, in the byte order of their names.
  ///
  /// A link that leads nowhere counts as an adapter, in the place of its folder or of its
  /// `adapter_config.json`: without it, the others would take the wrong rows of the gates. What
  /// loads the adapter names it.
  ///
  /// - Throws: ``MeteoRAError/file(_:)`` if the folder cannot be listed or holds a name that is not
  ///   UTF-8,
  ///   ``MeteoRAError/inaccessible(path:reason:)`` if it holds no adapter.
  public static func adapters(in folder: URL) throws(MeteoRAError) -> [Adapter] {
    let names: [String]
    do throws(FileAccessError) {
      names = try FolderListing.names(in: folder)
    } catch {
      throw .file(error)
    }
    let adapters =
      names
      .map { Adapter(name: $0, folder: folder.appendingPathComponent($0, isDirectory: true)) }
      .filter { adapter in
        FileStatus.isDanglingLink(adapter.folder)
          || FileStatus.isThere(
            adapter.folder.appendingPathComponent(PEFTAdapter.configurationFile))
      }
    guard !adapters.isEmpty else {
      throw .inaccessible(
        path: folder.path,
        reason: "no folder in it holds an \(PEFTAdapter.configurationFile)")
    }
    return adapters
  }

  /// Throws unless the adapters' names are distinct and can be names of folders, and gates have
  /// adapters to choose among.
  func validate() throws(MeteoRAError) {
    var known: Set<[UInt8]> = []
    for adapter in adapters {
      let bytes = Array(adapter.name.utf8)
      guard Adapter.isFolderName(adapter.name) else {
        throw .invalid(
          file: adapter.folder.path, field: "adapter name", found: "'\(printable(adapter.name))'",
          expected: Adapter.nameRule)
      }
      guard known.insert(bytes).inserted else { throw .duplicateAdapter(name: adapter.name) }
    }
    let gatesFile: URL
    switch gates {
    case .absent: return
    case .file(let url), .checkpoint(let url): gatesFile = url
    }
    guard !adapters.isEmpty else {
      throw .invalid(
        file: gatesFile.path, field: "the number of adapters beside it", found: "0",
        expected: "at least 1")
    }
  }
}
