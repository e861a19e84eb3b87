import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// What a model is made of, as its files have it.
package struct ModelParts {
  package let base: LlamaModel
  /// In the order of the gates' rows.
  package private(set) var adapters: [PEFTAdapter] = []
  package private(set) var gates: Gates?
  private let memory = WeightMemory()
  private let shouldStop: () -> Bool

  /// Loads a base, its adapters and, if there are any, gates; several adapters without gates too.
  ///
  /// - Parameter shouldStop: Asked before every tensor; `true` ends the loading with
  ///   `LlamaError.cancelled(path:)`.
  /// - Throws: ``MeteoRAError`` if a part cannot be read, is not supported, or does not fit the
  ///   others.
  package init(
    _ files: ModelFiles, parallelism: Parallelism, shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) {
    self.shouldStop = shouldStop
    do throws(LlamaError) {
      base = try LlamaModel(
        folder: files.base, parallelism: parallelism, memory: memory, shouldStop: shouldStop)
    } catch {
      throw .llama(error)
    }
    try load(files)
  }

  private var configuration: LlamaConfiguration { base.configuration }

  private mutating func load(_ files: ModelFiles) throws(MeteoRAError) {
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
    try Gates.requireRows(adapterCount: files.adapters.count, base: configuration, in: source)
    try loadAdapters(files)
    var reader = WeightReader(
      source, parallelism: .serial, memory: memory, shouldStop: shouldStop)
    gates = try Gates(
      adapterCount: adapters.count, base: configuration, isNeeded: isChanged, reader: &reader,
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
          name: adapter.name, folder: adapter.folder, base: configuration, memory: memory,
          shouldStop: shouldStop))
    }
  }

  private mutating func load(checkpoint url: URL, files: ModelFiles) throws(MeteoRAError) {
    var checkpoint = try PublishedCheckpoint(
      contentsOf: url, memory: memory, shouldStop: shouldStop)
    try Gates.requireRows(
      adapterCount: files.adapters.count, base: configuration, in: checkpoint.source)
    var configurations: [LoRAConfiguration] = []
    for adapter in files.adapters {
      configurations.append(
        try LoRAConfiguration(
          contentsOf: adapter.folder.appendingPathComponent(PEFTAdapter.configurationFile)))
    }
    let unchanged = [LoRAAdapter?](repeating: nil, count: LinearModule.allCases.count)
    var updates = [[[LoRAAdapter?]]](
      repeating: [[LoRAAdapter?]](repeating: unchanged, count: configuration.layerCount),
      count: configurations.count)
    for place in try checkpoint.changedModules(by: configurations, base: configuration) {
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
      adapterCount: adapters.count, base: configuration, isNeeded: isChanged)
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
    for layer in 0..<configuration.layerCount {
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
              adapters: adapters.map { $0.updates[layer][module.index] }, of: module,
              base: configuration)))
      }
      layers.append(modules)
    }
    return layers
  }
}
