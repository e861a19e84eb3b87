import MeteoRAKernels
import MeteoRALlama

/// A Llama with many LoRA adapters, chosen per token and module by trained gates.
///
/// Immutable and shared: any number of tasks may run it at once. Load one with
/// ``init(contentsOf:kernel:parallelism:)``, continue prompts with
/// ``generate(_:mode:options:onToken:)``, look inside with ``trace(_:mode:detail:)``.
public final class MeteoRAModel: Sendable {
  /// What computes the linear modules.
  public enum Mode: Sendable, Equatable {
    /// Gates choose the adapters of every token.
    case routed
    /// One adapter for every token, with weight 1: plain LoRA.
    case singleAdapter(String)
    /// The base model, bit for bit.
    case noAdapters
  }

  /// The base model.
  public let base: LlamaModel
  /// Where everything was read from, and the router's settings.
  public let files: ModelFiles
  /// Adapter names, in the order of the gates' rows.
  public let adapterNames: [String]
  /// How the low-rank updates are computed; no influence on any bit.
  public let kernel: LoRAMoEKernel
  /// Threads of a forward pass; no influence on any bit.
  public let parallelism: Parallelism

  let adapters: [PEFTAdapter]
  /// By layer and ``LinearModule/index``; `nil` without gates.
  let routedModules: [[RoutedModule?]]?

  init(
    base: LlamaModel, files: ModelFiles, adapters: [PEFTAdapter],
    routedModules: [[RoutedModule?]]?, kernel: LoRAMoEKernel, parallelism: Parallelism
  ) {
    self.base = base
    self.files = files
    self.adapters = adapters
    self.routedModules = routedModules
    self.kernel = kernel
    self.parallelism = parallelism
    adapterNames = adapters.map(\.name)
  }

  /// The same model with other settings of speed; weights are shared.
  ///
  /// - Parameters:
  ///   - kernel: ``kernel`` if `nil`.
  ///   - parallelism: ``parallelism`` if `nil`.
  public func with(
    kernel: LoRAMoEKernel? = nil, parallelism: Parallelism? = nil
  ) -> MeteoRAModel {
    MeteoRAModel(
      base: base, files: files, adapters: adapters, routedModules: routedModules,
      kernel: kernel ?? self.kernel, parallelism: parallelism ?? self.parallelism)
  }

  /// The mode that the files ask for: routed if there are gates, else the only adapter, else the
  /// base.
  public var defaultMode: Mode {
    if routedModules != nil { return .routed }
    return adapterNames.first.map { .singleAdapter($0) } ?? .noAdapters
  }

  /// Linear modules that route: those that at least one adapter changes.
  public var routedModuleCount: Int {
    routedModules?.reduce(0) { $0 + $1.count { $0 != nil } } ?? 0
  }

  /// What computes the linear modules in a mode.
  ///
  /// - Throws: ``MeteoRAError`` for an unknown adapter, or to route without gates.
  func evaluator(for mode: Mode) throws(MeteoRAError) -> any LinearGroupEvaluator {
    switch mode {
    case .noAdapters:
      return PlainEvaluator()
    case .routed:
      guard let routedModules else { throw .notRouted(model: files.base.path) }
      return RoutedEvaluator(
        modules: routedModules, adapterCount: adapters.count, router: files.router, kernel: kernel)
    case .singleAdapter(let name):
      return SingleAdapterEvaluator(
        banks: try adapter(named: name).banks(base: base.configuration), kernel: kernel)
    }
  }

  /// - Throws: ``MeteoRAError/unknownAdapter(name:known:)``.
  func adapter(named name: String) throws(MeteoRAError) -> PEFTAdapter {
    guard let adapter = adapters.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      throw .unknownAdapter(name: name, known: adapterNames)
    }
    return adapter
  }
}

extension PEFTAdapter {
  /// Banks that hold this adapter alone.
  fileprivate func banks(base: LlamaConfiguration) throws(MeteoRAError) -> [[LoRABank?]] {
    var banks: [[LoRABank?]] = []
    for modules in updates {
      var row: [LoRABank?] = []
      for (module, update) in zip(LinearModule.allCases, modules) {
        row.append(
          try update.map { update throws(MeteoRAError) in
            try LoRABank(adapters: [update], of: module, base: base)
          })
      }
      banks.append(row)
    }
    return banks
  }
}

extension LoRABank {
  /// The bank of a linear module of a base model.
  convenience init(
    adapters: [LoRAAdapter?], of module: LinearModule, base: LlamaConfiguration
  ) throws(MeteoRAError) {
    let shape = base.shape(of: module)
    do throws(KernelError) {
      try self.init(
        adapters: adapters, outFeatures: shape.outFeatures, inFeatures: shape.inFeatures)
    } catch {
      throw .kernel(context: module.rawValue, error)
    }
  }
}
