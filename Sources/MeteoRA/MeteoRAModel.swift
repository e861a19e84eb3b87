import MeteoRAKernels
import MeteoRALlama

/// A Llama with many LoRA adapters, chosen per token and module by trained gates.
///
/// Immutable and shared: any number of tasks may run it at once. Load one with
/// ``init(contentsOf:kernel:parallelism:)``, continue prompts with
/// ``generate(_:mode:options:stopStrings:onToken:)``, look inside with ``trace(_:mode:detail:)``.
public final class MeteoRAModel: Sendable {
  /// What computes the linear modules.
  public enum Mode: Sendable, Equatable {
    /// Gates choose the adapters of every token, of all or among some: the others' logits are left
    /// out before the top-k, so that top-k and softmax see the allowed ones only. There have to be
    /// at least k of them, as a model has to have k adapters.
    ///
    /// The results are those of a model that holds the allowed adapters and their rows of the gates
    /// alone, bit for bit; a module that none of them changes is the base's. Indices of adapters
    /// are still those of this model, and a trace holds the logits of all of them.
    case routedAmong(AdapterSelection)
    /// One adapter for every token, with weight 1: plain LoRA.
    case singleAdapter(String)
    /// The base model, bit for bit.
    case noAdapters

    /// Gates choose the adapters of every token.
    public static let routed = Mode.routedAmong(.all)

    /// Whether gates choose the adapters.
    public var isRouted: Bool { selection != nil }

    /// What gates choose among; `nil` if they do not.
    var selection: AdapterSelection? {
      switch self {
      case .routedAmong(let selection): selection
      case .singleAdapter, .noAdapters: nil
      }
    }
  }

  /// The base model.
  public let base: LlamaModel
  /// Where everything was read from, and the router's settings.
  public let files: ModelFiles
  /// Adapter names, in the order of the gates' rows; behind them those that were added without one.
  public let adapterNames: [String]
  /// How the low-rank updates are computed; no influence on any bit.
  public let kernel: LoRAMoEKernel
  /// Threads of a forward pass; no influence on any bit.
  public let parallelism: Parallelism

  let adapterSet: AdapterSet
  let merge: Merge?

  init(
    base: LlamaModel, files: ModelFiles, adapterSet: AdapterSet, kernel: LoRAMoEKernel,
    parallelism: Parallelism, merge: Merge? = nil
  ) {
    self.base = base
    self.files = files
    self.adapterSet = adapterSet
    self.kernel = kernel
    self.parallelism = parallelism
    self.merge = merge
    adapterNames = adapterSet.adapters.map(\.name)
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
      base: base, files: files, adapterSet: adapterSet, kernel: kernel ?? self.kernel,
      parallelism: parallelism ?? self.parallelism, merge: merge)
  }

  /// The same model with other settings of the router; weights are shared.
  ///
  /// - Parameter router: k from 1 to the number of adapters that have a row in the gates, T finite
  ///   and above 0.
  /// - Throws: ``MeteoRAError/notRouted(model:)`` without gates, ``MeteoRAError`` for a value out
  ///   of range.
  public func with(router: RouterConfiguration) throws(MeteoRAError) -> MeteoRAModel {
    guard adapterSet.routedModules != nil else { throw .notRouted(model: files.base.path) }
    try router.validate(adapterCount: adapterSet.gatedCount)
    var files = files
    files.router = router
    return MeteoRAModel(
      base: base, files: files, adapterSet: adapterSet, kernel: kernel, parallelism: parallelism,
      merge: merge)
  }

  /// The same model with other adapters; weights are shared.
  func with(_ adapterSet: AdapterSet) -> MeteoRAModel {
    MeteoRAModel(
      base: base, files: files, adapterSet: adapterSet, kernel: kernel, parallelism: parallelism,
      merge: merge)
  }

  /// The mode that the files ask for: routed if there are gates, else the only adapter (the first,
  /// if more were added), else the base. Disabled adapters do not count.
  public var defaultMode: Mode {
    if adapterSet.routedModules != nil {
      return adapterSet.isEnabled[..<adapterSet.gatedCount].contains(true) ? .routed : .noAdapters
    }
    let first = adapterSet.isEnabled.firstIndex(of: true)
    return first.map { .singleAdapter(adapterNames[$0]) } ?? .noAdapters
  }

  /// Linear modules that route: those that at least one adapter changes.
  public var routedModuleCount: Int {
    adapterSet.routedModules?.reduce(0) { $0 + $1.count { $0 != nil } } ?? 0
  }

  /// What computes the linear modules in a mode.
  ///
  /// - Throws: ``MeteoRAError`` for an unknown adapter, or to route without gates.
  func evaluator(for mode: Mode) throws(MeteoRAError) -> any LinearGroupEvaluator {
    switch mode {
    case .noAdapters: return PlainEvaluator()
    case .routedAmong(let selection): return try routedEvaluator(among: selection)
    case .singleAdapter(let name):
      return GivenAdapterEvaluator(
        banks: try adapter(named: name).banks(base: base.configuration), choice: .only,
        kernel: kernel)
    }
  }

  /// What computes the linear modules if gates choose among the adapters of a selection.
  ///
  /// - Throws: ``MeteoRAError/notRouted(model:)``,
  ///   ``MeteoRAError/tooFewAllowed(topK:allowed:)``, and as ``allowedAdapters(_:)``.
  func routedEvaluator(
    among selection: AdapterSelection
  ) throws(MeteoRAError) -> RoutedEvaluator {
    guard adapterSet.routedModules != nil else { throw .notRouted(model: files.base.path) }
    let allowed = try allowedAdapters(selection)
    guard let modules = adapterSet.routedModules(among: allowed) else {
      throw .notRouted(model: files.base.path)
    }
    guard files.router.topK <= allowed.count else {
      throw .tooFewAllowed(topK: files.router.topK, allowed: allowed.map { adapterNames[$0] })
    }
    return RoutedEvaluator(
      modules: modules, adapterCount: adapterSet.gatedCount,
      allowed: allowed.count < adapterSet.gatedCount ? allowed : nil, router: files.router,
      kernel: kernel)
  }

  /// The index of an adapter.
  ///
  /// - Throws: ``MeteoRAError/unknownAdapter(name:known:)``.
  func adapterIndex(named name: String) throws(MeteoRAError) -> Int {
    guard let index = adapterNames.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) else {
      throw .unknownAdapter(name: name, known: adapterNames)
    }
    return index
  }

  /// The index of an adapter that may be used.
  ///
  /// - Throws: ``MeteoRAError/unknownAdapter(name:known:)``,
  ///   ``MeteoRAError/disabledAdapter(name:)``.
  func enabledAdapter(named name: String) throws(MeteoRAError) -> Int {
    let index = try adapterIndex(named: name)
    guard adapterSet.isEnabled[index] else { throw .disabledAdapter(name: name) }
    return index
  }

  /// An adapter that may be used; throws as ``enabledAdapter(named:)``.
  func adapter(named name: String) throws(MeteoRAError) -> PEFTAdapter {
    adapterSet.adapters[try enabledAdapter(named: name)]
  }
}

extension PEFTAdapter {
  /// Banks that hold this adapter alone.
  fileprivate func banks(base: LlamaConfiguration) throws(MeteoRAError) -> [[LoRABank?]] {
    var banks: [[LoRABank?]] = updates.map { $0.map { _ in nil } }
    for (layer, module, update) in changes {
      banks[layer][module.index] = try LoRABank(adapters: [update], of: module, base: base)
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
