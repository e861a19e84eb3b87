import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

extension MeteoRAModel {
  /// Loads a bundle, or a plain Hugging Face folder as a model without adapters.
  ///
  /// - Parameters:
  ///   - folder: A folder with a `meteora.json`, or with a `config.json`.
  ///   - kernel: How the low-rank updates are computed; no influence on any bit.
  ///   - parallelism: Threads of loading and running; no influence on any bit.
  /// - Throws: ``MeteoRAError``.
  public convenience init(
    contentsOf folder: URL, kernel: LoRAMoEKernel = .tiled, parallelism: Parallelism = .allCores
  ) throws(MeteoRAError) {
    try self.init(
      files: try ModelFiles(folder: folder), kernel: kernel, parallelism: parallelism)
  }

  /// Loads a model from its parts.
  ///
  /// - Parameters:
  ///   - files: A base, adapters in the order of the gates' rows, and gates. One adapter without
  ///     gates is plain LoRA; several need gates.
  ///   - kernel: How the low-rank updates are computed; no influence on any bit.
  ///   - parallelism: Threads of loading and running; no influence on any bit.
  /// - Throws: ``MeteoRAError`` if a part cannot be read, is not supported, or does not fit the
  ///   others.
  public convenience init(
    files: ModelFiles, kernel: LoRAMoEKernel = .tiled, parallelism: Parallelism = .allCores
  ) throws(MeteoRAError) {
    try self.init(files: files, kernel: kernel, parallelism: parallelism, shouldStop: { false })
  }

  /// - Parameter shouldStop: Asked before every tensor; `true` ends the loading with
  ///   `LlamaError.cancelled(path:)`.
  convenience init(
    files: ModelFiles, kernel: LoRAMoEKernel = .tiled, parallelism: Parallelism = .allCores,
    shouldStop: @escaping () -> Bool
  ) throws(MeteoRAError) {
    try files.validate()
    if files.gates == .absent, files.adapters.count > 1 {
      throw .missingGates(adapters: files.adapters.map(\.name))
    }
    if files.gates != .absent {
      try files.router.validate(adapterCount: files.adapters.count)
    }
    let memory = WeightMemory()
    let base: LlamaModel
    do throws(LlamaError) {
      base = try LlamaModel(
        folder: files.base, parallelism: parallelism, memory: memory, shouldStop: shouldStop)
    } catch {
      throw .llama(error)
    }
    var parts = AdapterParts(base: base.configuration, memory: memory, shouldStop: shouldStop)
    try parts.load(files)
    self.init(
      base: base, files: files,
      adapterSet: AdapterSet(
        adapters: parts.adapters, routedModules: try parts.routedModules()),
      kernel: kernel, parallelism: parallelism)
  }
}

extension Parallelism {
  /// A thread for every core that is there.
  public static var allCores: Parallelism {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return (try? Parallelism(threads: min(cores, maximumThreads))) ?? .serial
  }
}

/// Adapters and gates on their way into a model.
private struct AdapterParts {
  let base: LlamaConfiguration
  let memory: WeightMemory
  let shouldStop: () -> Bool
  var adapters: [PEFTAdapter] = []
  var gates: Gates?

  init(base: LlamaConfiguration, memory: WeightMemory, shouldStop: @escaping () -> Bool) {
    self.base = base
    self.memory = memory
    self.shouldStop = shouldStop
  }

  mutating func load(_ files: ModelFiles) throws(MeteoRAError) {
    if case .checkpoint(let url) = files.gates {
      try load(checkpoint: url, files: files)
      return
    }
    guard case .file(let url) = files.gates else {
      try loadAdapters(files)
      return
    }
    let source: SafetensorsFile
    do throws(SafetensorsError) {
      source = try SafetensorsFile(contentsOf: url)
    } catch {
      throw .safetensors(error)
    }
    try Gates.requireRows(adapterCount: files.adapters.count, base: base, in: source)
    try loadAdapters(files)
    var reader = WeightReader(
      source, parallelism: .serial, memory: memory, shouldStop: shouldStop)
    gates = try Gates(
      adapterCount: adapters.count, base: base, isNeeded: isChanged, reader: &reader,
      source: source)
    do throws(LlamaError) {
      try reader.requireNothingElse()
    } catch {
      throw .llama(error)
    }
  }

  private mutating func loadAdapters(_ files: ModelFiles) throws(MeteoRAError) {
    for adapter in files.adapters {
      adapters.append(
        try PEFTAdapter(
          name: adapter.name, folder: adapter.folder, base: base, memory: memory,
          shouldStop: shouldStop))
    }
  }

  private mutating func load(checkpoint url: URL, files: ModelFiles) throws(MeteoRAError) {
    var checkpoint = try PublishedCheckpoint(
      contentsOf: url, memory: memory, shouldStop: shouldStop)
    try Gates.requireRows(adapterCount: files.adapters.count, base: base, in: checkpoint.source)
    var configurations: [LoRAConfiguration] = []
    for adapter in files.adapters {
      configurations.append(
        try LoRAConfiguration(
          contentsOf: adapter.folder.appendingPathComponent(PEFTAdapter.configurationFile)))
    }
    let unchanged = [LoRAAdapter?](repeating: nil, count: LinearModule.allCases.count)
    var updates = [[[LoRAAdapter?]]](
      repeating: [[LoRAAdapter?]](repeating: unchanged, count: base.layerCount),
      count: configurations.count)
    for place in try checkpoint.changedModules(by: configurations, base: base) {
      for (index, adapter) in try place.adapters(in: memory).enumerated() {
        updates[index][place.layer][place.module.index] = adapter
      }
    }
    for (index, adapter) in files.adapters.enumerated() {
      adapters.append(
        PEFTAdapter(
          name: adapter.name, configuration: configurations[index], updates: updates[index]))
    }
    gates = try checkpoint.gates(
      adapterCount: adapters.count, base: base, isNeeded: isChanged)
    let baseWeights: SafetensorsCheckpoint
    do throws(SafetensorsError) {
      baseWeights = try SafetensorsCheckpoint(folder: files.base)
    } catch {
      throw .safetensors(error)
    }
    try checkpoint.requireBase(baseWeights)
  }

  /// Whether some adapter changes a module.
  private func isChanged(_ module: LinearModule, layer: Int) -> Bool {
    adapters.contains { $0.updates[layer][module.index] != nil }
  }

  func routedModules() throws(MeteoRAError) -> [[RoutedModule?]]? {
    guard let gates else { return nil }
    var layers: [[RoutedModule?]] = []
    for layer in 0..<base.layerCount {
      var modules: [RoutedModule?] = []
      for module in LinearModule.allCases {
        guard let gate = gates.weights[layer][module.index] else {
          modules.append(nil)
          continue
        }
        modules.append(
          RoutedModule(
            gate: gate,
            bank: try LoRABank(
              adapters: adapters.map { $0.updates[layer][module.index] }, of: module, base: base)))
      }
      layers.append(modules)
    }
    return layers
  }
}
