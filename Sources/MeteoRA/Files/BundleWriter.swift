import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// Makes a bundle: one folder that holds a base, adapters, gates and the router's settings.
///
/// The parts are loaded once where they are, so that one that does not fit is named by its own
/// path. The folder is filled under a temporary name beside its place, loaded, with the tokenizer
/// if there is one, to be sure that it works, and then renamed: it is there complete or not at all.
///
/// A checkpoint of the published code is split on the way: A and B go to the adapters, which keep
/// the configurations that the checkpoint does not hold, and the gates to a file of their own. Its
/// base has to be that of the base folder.
public struct BundleWriter {
  /// The parts; several adapters or one, and gates or a checkpoint.
  public var files: ModelFiles
  /// Makes symbolic links to the absolute paths of the parts, instead of copies. What a checkpoint
  /// is split into is always written.
  public var linksFiles: Bool

  /// - Parameters:
  ///   - files: What the bundle is made of. Adapters need their `adapter_config.json`, and their
  ///     weights unless a checkpoint supplies them.
  ///   - linksFiles: Link instead of copying.
  public init(files: ModelFiles, linksFiles: Bool = false) {
    self.files = files
    self.linksFiles = linksFiles
  }

  /// Makes the bundle.
  ///
  /// - Parameters:
  ///   - folder: Must not exist; its parent must.
  ///   - shouldStop: Asked between tensors, between files and every few megabytes; `true` ends the
  ///     work without a trace.
  /// - Throws: ``MeteoRAError`` if a part cannot be read or does not fit the others, the folder
  ///   cannot be made, or `shouldStop` said so (``MeteoRAError/cancelled(path:)``).
  public func write(
    to folder: URL, shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) {
    guard files.gates != .absent else {
      throw .missingGates(adapters: files.adapters.map(\.name))
    }
    try files.validate()
    try files.router.validate(adapterCount: files.adapters.count)
    try requireNothing(at: folder)
    do throws(MeteoRAError) {
      try fill(folder, shouldStop)
    } catch .llama(.cancelled) {
      throw .cancelled(path: folder.path)
    } catch {
      throw error
    }
  }

  private func fill(_ folder: URL, _ shouldStop: @escaping () -> Bool) throws(MeteoRAError) {
    try files.loadCompletely(shouldStop)
    let target: NewFolder
    do throws(FileAccessError) {
      target = try NewFolder(creating: folder)
      try target.makeFolder(Self.baseFolder)
      for adapter in files.adapters { try target.makeFolder(Self.folder(of: adapter)) }
    } catch {
      throw .file(error)
    }
    let filling = Filling(writer: self, target: target, place: folder, shouldStop: shouldStop)
    try filling.addBase()
    try filling.addAdaptersAndGates()
    try filling.addManifest()
    try ModelFiles(folder: target.temporary).loadCompletely(shouldStop)
    if shouldStop() { throw .cancelled(path: folder.path) }
    do throws(FileAccessError) {
      try target.commit()
    } catch {
      throw .file(error)
    }
  }

  /// Asked before the long work as well as at its end.
  private func requireNothing(at folder: URL) throws(MeteoRAError) {
    do throws(FileAccessError) {
      try NewFolder.requireNothing(at: folder)
    } catch {
      throw .file(error)
    }
  }

  fileprivate static let baseFolder = "base"
  fileprivate static let gatesFile = "gates.safetensors"

  fileprivate static func folder(of adapter: ModelFiles.Adapter) -> String {
    "adapters/\(adapter.name)"
  }
}

/// A bundle on its way into a temporary folder.
private struct Filling {
  let writer: BundleWriter
  let target: NewFolder
  /// Where the bundle will be, for messages.
  let place: URL
  let shouldStop: () -> Bool

  var files: ModelFiles { writer.files }

  func addBase() throws(MeteoRAError) {
    let base = BaseFolder(folder: files.base)
    let weights = try base.weightFiles()
    var names = [BaseFolder.configuration] + base.companions
    if weights.areShards { names.append(BaseFolder.index) }
    names += weights.files.map(\.name)
    for name in names {
      let place = "\(BundleWriter.baseFolder)/\(name)"
      try target.makeFolders(above: place)
      try add(files.base.appendingPathComponent(name), as: place)
    }
  }

  func addAdaptersAndGates() throws(MeteoRAError) {
    for adapter in files.adapters {
      let name = PEFTAdapter.configurationFile
      try add(
        adapter.folder.appendingPathComponent(name),
        as: "\(BundleWriter.folder(of: adapter))/\(name)")
    }
    switch files.gates {
    case .absent: break
    case .file(let url):
      for adapter in files.adapters {
        let name = PEFTAdapter.weightsFile
        try add(
          adapter.folder.appendingPathComponent(name),
          as: "\(BundleWriter.folder(of: adapter))/\(name)")
      }
      try add(url, as: BundleWriter.gatesFile)
    case .checkpoint(let url): try split(url)
    }
  }

  private func split(_ url: URL) throws(MeteoRAError) {
    var checkpoint = try PublishedCheckpoint(contentsOf: url, shouldStop: shouldStop)
    let base: LlamaConfiguration
    let weights: SafetensorsCheckpoint
    do throws(LlamaError) {
      base = try LlamaConfiguration(
        contentsOf: files.base.appendingPathComponent("config.json"))
    } catch {
      throw .llama(error)
    }
    do throws(SafetensorsError) {
      weights = try SafetensorsCheckpoint(folder: files.base)
    } catch {
      throw .safetensors(error)
    }
    var configurations: [LoRAConfiguration] = []
    for adapter in files.adapters {
      configurations.append(
        try LoRAConfiguration(
          contentsOf: adapter.folder.appendingPathComponent(PEFTAdapter.configurationFile)))
    }
    let modules = try checkpoint.changedModules(by: configurations, base: base)
    for (index, adapter) in files.adapters.enumerated() {
      let name = "\(BundleWriter.folder(of: adapter))/\(PEFTAdapter.weightsFile)"
      try checkpoint.writeAdapter(
        index, of: modules, to: target.temporary.appendingPathComponent(name))
    }
    // Takes the gates, so that what is left in the checkpoint can only be the base.
    _ = try checkpoint.gates(
      adapterCount: configurations.count, base: base, isNeeded: { _, _ in false })
    try checkpoint.requireBase(weights)
    try checkpoint.writeGates(
      base: base, to: target.temporary.appendingPathComponent(BundleWriter.gatesFile))
  }

  func addManifest() throws(MeteoRAError) {
    let adapters = files.adapters.map { adapter in
      JSONOutput.object([
        ("name", .string(adapter.name)), ("path", .string(BundleWriter.folder(of: adapter))),
      ])
    }
    let manifest = JSONOutput.object([
      ("format_version", .integer(BundleManifest.formatVersion)),
      ("base", .string(BundleWriter.baseFolder)), ("adapters", .array(adapters)),
      ("gates", .string(BundleWriter.gatesFile)),
      (
        "router",
        .object([
          ("top_k", .integer(files.router.topK)), ("temperature", .float(files.router.temperature)),
        ])
      ),
    ])
    do throws(FileAccessError) {
      try ReplacementFile.write(
        manifest.page, to: target.temporary.appendingPathComponent(BundleManifest.fileName))
    } catch {
      throw .file(error)
    }
  }

  /// Copies or links a file of the parts.
  private func add(_ source: URL, as name: String) throws(MeteoRAError) {
    try goOn()
    let copy = target.temporary.appendingPathComponent(name)
    do throws(FileAccessError) {
      if writer.linksFiles {
        try FileCopy.link(source, at: copy)
        return
      }
      if try FileCopy.copy(source, to: copy, shouldStop: shouldStop) { return }
    } catch {
      throw .file(error)
    }
    throw .cancelled(path: place.path)
  }

  private func goOn() throws(MeteoRAError) {
    if shouldStop() { throw .cancelled(path: place.path) }
  }
}
