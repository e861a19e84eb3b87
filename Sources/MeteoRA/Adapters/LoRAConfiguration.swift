import MeteoRAKernels
import MeteoRALlama

/// A PEFT `adapter_config.json`: which modules a LoRA adapter changes, with what rank and scale.
public struct LoRAConfiguration: Sendable {
  /// `target_modules` or `exclude_modules`.
  public enum Modules: Sendable, Equatable {
    /// Names that a path is, or ends with after a dot.
    case names([String])
    /// A regular expression for the whole path.
    case expression(String)
    /// Every linear layer but the output matrix.
    case allLinear
  }

  /// The file, for messages.
  public let file: String
  /// `r` where no pattern says otherwise.
  public let rank: Int
  /// `lora_alpha` where no pattern says otherwise.
  public let alpha: Double
  /// Scale by `alpha / √r` instead of `alpha / r`.
  public let usesRankStabilization: Bool
  /// The modules that have an update.
  public let targetModules: Modules
  /// Those that have none after all.
  public let excludedModules: Modules?
  /// Only these layers, of the modules that are not named by their whole path; `nil` for all.
  public let layersToTransform: [Int]?

  /// `rank_pattern`, in order: the first that matches the end of a module's path wins.
  public var rankPatterns: [(pattern: String, rank: Int)] {
    zip(patterns.ranks.patterns, patterns.ranks.values).map { ($0.text, $1) }
  }
  /// `alpha_pattern`, as ``rankPatterns``.
  public var alphaPatterns: [(pattern: String, alpha: Double)] {
    zip(patterns.alphas.patterns, patterns.alphas.values).map { ($0.text, $1) }
  }

  let targets: ModuleMatcher
  let excluded: ModuleMatcher?
  /// ``layersToTransform``.
  let layers: Set<Int>?
  /// What may stand before a layer's number in a path, if ``layersToTransform`` counts; empty for
  /// anything.
  let layersPattern: [PathPattern]
  let patterns: ModulePatterns

  /// What an adapter does to one module.
  package struct Update: Sendable, Equatable {
    package var rank: Int
    package var alpha: Double
    package var scaling: Float
  }

  /// The update of a linear module, or `nil` if the adapter leaves it alone.
  ///
  /// The first key of `rank_pattern`, and on its own of `alpha_pattern`, that matches the path's
  /// end counts. Where older releases of PEFT would choose others, and may have done so, the rank
  /// of the module's tensors decides if it can.
  ///
  /// - Parameters:
  ///   - trainedRank: The rows of `lora_A`, if they are known.
  ///   - work: Of this configuration; the same for all modules.
  /// - Throws: ``MeteoRAError/ambiguousPatterns(file:module:today:before:)`` if more than one rank
  ///   or alpha is left to choose from, ``PatternWork/exhausted(by:field:)``.
  func update(
    of module: LinearModule, layer: Int, trainedRank: Int? = nil, work: inout PatternWork
  ) throws(MeteoRAError) -> Update? {
    let path = module.path(layer: layer)
    let bytes = Array(path.utf8)
    guard try changes(bytes, layer: layer, work: &work) else { return nil }
    let today = update(try patterns.choice(for: bytes, work: &work))
    var choices = [today]
    choices += try patterns.olderChoices(for: bytes, work: &work).map(update)
    if let trainedRank {
      choices = choices.filter { $0.rank == trainedRank }
      // Tensors of a rank that no release would choose are refused by the caller.
      if choices.isEmpty { return today }
    }
    if let other = choices.first(where: { $0 != choices[0] }) {
      throw .ambiguousPatterns(
        file: file, module: path,
        today: "rank \(choices[0].rank) and alpha \(choices[0].alpha)",
        before: "rank \(other.rank) and alpha \(other.alpha)")
    }
    return choices[0]
  }

  /// The updates of the linear modules of a model, by layer and ``LinearModule/index``; `nil` where
  /// the adapter leaves one alone.
  ///
  /// - Throws: ``MeteoRAError`` if they cannot be told.
  package func updates(layerCount: Int) throws(MeteoRAError) -> [[Update?]] {
    var work = PatternWork(file: file)
    var layers: [[Update?]] = []
    for layer in 0..<layerCount {
      var modules = [Update?](repeating: nil, count: LinearModule.allCases.count)
      for module in LinearModule.allCases {
        modules[module.index] = try update(of: module, layer: layer, work: &work)
      }
      layers.append(modules)
    }
    return layers
  }

  private func update(_ choice: ModulePatterns.Choice) -> Update {
    let (rank, alpha) = (choice.rank ?? rank, choice.alpha ?? alpha)
    return Update(
      rank: rank, alpha: alpha,
      scaling: LoRAAdapter.scaling(
        alpha: alpha, rank: rank, usesRankStabilization: usesRankStabilization))
  }

  /// Whether the adapter changes a module, by the rules of PEFT's `check_target_module_exists`.
  ///
  /// - Parameter layer: The number of the layer in the path, if there is one.
  func changes(
    _ path: [UInt8], layer: Int?, work: inout PatternWork
  ) throws(MeteoRAError) -> Bool {
    if let excluded, try excluded.matches(path, work: &work) != nil { return false }
    switch try targets.matches(path, work: &work) {
    case nil: return false
    case .whole: return true
    case .end: break
    }
    // Only names that a path ends with are restricted; one that is the path always counts.
    guard let layers else { return true }
    guard let layer, layers.contains(layer) else { return false }
    if layersPattern.isEmpty { return true }
    for pattern in layersPattern where try pattern.matches(path, work: &work) { return true }
    return false
  }
}
