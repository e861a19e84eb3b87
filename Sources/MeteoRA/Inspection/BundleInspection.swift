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
    /// What is in it.
    public var inspection: AdapterInspection
  }

  /// The folder with the `meteora.json`.
  public let folder: URL
  /// What `meteora.json` names; `nil` if that cannot be taken, and then nothing else is looked at.
  public let files: ModelFiles?
  /// What is in the base's folder.
  public let base: ModelInspection?
  /// In the order of the gates' rows.
  public let adapters: [Adapter]
  /// `nil` if they cannot be read; ``problems`` says why.
  public let gates: GatesInspection?
  /// Linear modules that some adapter changes, over all layers.
  public let routedModuleCount: Int
  /// Everything that would keep the bundle from being loaded, those of its parts among them; of a
  /// file that breaks its format, the first.
  public let problems: [MeteoRAError]

  /// Reads `meteora.json` and all that it names; what cannot be read is a problem.
  public init(folder: URL) {
    self.folder = folder
    var problems = FoundProblems()
    var unknown: [MeteoRAError] = []
    let files = problems.attempt { () throws(MeteoRAError) in
      try BundleManifest(folder: folder, unknownFields: &unknown).files
    }
    problems.add(unknown)
    self.files = files
    guard let files else {
      (base, adapters, gates, routedModuleCount) = (nil, [], nil, 0)
      self.problems = problems.all
      return
    }
    _ = problems.attempt { () throws(MeteoRAError) in try files.validate() }
    problems.add(
      files.router.problems(
        adapterCount: files.adapters.count,
        context: folder.appendingPathComponent(BundleManifest.fileName).path))
    let base = ModelInspection(folder: files.base)
    problems.add(base.problems)
    var changed: Set<ModulePlace> = []
    var adapters: [Adapter] = []
    for adapter in files.adapters {
      let inspection = AdapterInspection(
        folder: adapter.folder, base: base.configuration, heldLayers: base.heldLayerCount)
      problems.add(inspection.problems)
      for update in inspection.updates {
        changed.insert(ModulePlace(layer: update.layer, module: update.module))
      }
      adapters.append(
        Adapter(name: adapter.name, folder: adapter.folder, inspection: inspection))
    }
    var gates: GatesInspection?
    if case .file(let url) = files.gates {
      gates = problems.attempt { () throws(MeteoRAError) in
        do throws(SafetensorsError) {
          return GatesInspection(
            try SafetensorsFile(contentsOf: url),
            model: base.configuration.map { configuration in
              .init(base: configuration, adapterCount: files.adapters.count, changed: changed)
            })
        } catch {
          throw .safetensors(error)
        }
      }
    }
    problems.add(gates?.problems ?? [])
    self.base = base
    self.adapters = adapters
    self.gates = gates
    routedModuleCount = changed.count
    self.problems = problems.all
  }
}
