import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// What a bundle holds, and everything in it that does not fit.
public struct BundleInspection: Sendable {
  /// An adapter of the bundle.
  public struct Adapter: Sendable {
    /// What the model calls it.
    public var name: String
    /// Its PEFT folder.
    public var folder: URL
    /// `nil` if it cannot be read; `problems` of the bundle says why.
    public var inspection: AdapterInspection?
  }

  /// The folder with the `meteora.json`.
  public let folder: URL
  /// What `meteora.json` names.
  public let files: ModelFiles
  /// `nil` if it cannot be read; ``problems`` says why.
  public let base: ModelInspection?
  /// In the order of the gates' rows.
  public let adapters: [Adapter]
  /// `nil` if they cannot be read; ``problems`` says why.
  public let gates: GatesInspection?
  /// Linear modules that some adapter changes, over all layers.
  public let routedModuleCount: Int
  /// Everything that would keep the bundle from being loaded, those of its parts among them.
  public let problems: [MeteoRAError]

  /// Reads `meteora.json` and all that it names.
  ///
  /// - Throws: ``MeteoRAError`` if `meteora.json` cannot be taken; anything else is a problem.
  public init(folder: URL) throws(MeteoRAError) {
    self.folder = folder
    let files = try BundleManifest(folder: folder).files
    self.files = files
    var problems: [MeteoRAError] = []
    func attempt<Result>(_ body: () throws(MeteoRAError) -> Result) -> Result? {
      do throws(MeteoRAError) {
        return try body()
      } catch {
        problems.append(error)
        return nil
      }
    }
    _ = attempt { () throws(MeteoRAError) in
      try files.router.validate(
        adapterCount: files.adapters.count,
        context: folder.appendingPathComponent(BundleManifest.fileName).path)
    }
    let base = attempt { () throws(MeteoRAError) in try ModelInspection(folder: files.base) }
    problems += base?.problems ?? []
    var changed: Set<ModulePlace> = []
    var adapters: [Adapter] = []
    for adapter in files.adapters {
      let inspection = attempt { () throws(MeteoRAError) in
        try AdapterInspection(
          folder: adapter.folder, base: base?.configuration,
          heldLayers: base?.heldLayerCount ?? 0)
      }
      problems += inspection?.problems ?? []
      for update in inspection?.updates ?? [] {
        changed.insert(ModulePlace(layer: update.layer, module: update.module))
      }
      adapters.append(
        Adapter(name: adapter.name, folder: adapter.folder, inspection: inspection))
    }
    var gates: GatesInspection?
    if case .file(let url) = files.gates {
      gates = attempt { () throws(MeteoRAError) in
        do throws(SafetensorsError) {
          return GatesInspection(
            try SafetensorsFile(contentsOf: url),
            model: base.map { base in
              .init(
                base: base.configuration, adapterCount: files.adapters.count, changed: changed)
            })
        } catch {
          throw .safetensors(error)
        }
      }
    }
    problems += gates?.problems ?? []
    self.base = base
    self.adapters = adapters
    self.gates = gates
    routedModuleCount = changed.count
    self.problems = problems
  }
}
