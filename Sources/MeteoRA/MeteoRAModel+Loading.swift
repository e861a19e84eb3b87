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
    let parts = try ModelParts(files, parallelism: parallelism, shouldStop: shouldStop)
    self.init(
      base: parts.base, files: files,
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
