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
  /// end counts. Where older releases of PEFT would choose others, and may have done so, the rank of
  /// the module's tensors decides if it can.
  ///
  /// - Parameter trainedRank: The rows of `lora_A`, if they are known.
  /// - Throws: ``MeteoRAError/ambiguousPatterns(file:module:today:before:)`` if more than one rank or
  ///   alpha is left to choose from.
  package func update(
    of module: LinearModule, layer: Int, trainedRank: Int? = nil
  ) throws(MeteoRAError) -> Update? {
    let path = module.path(layer: layer)
    guard changes(path, layer: layer) else { return nil }
    let today = update(patterns.choice(for: path))
    var choices = [today] + patterns.olderChoices(for: path).map(update)
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
  func changes(_ path: String, layer: Int?) -> Bool {
    if let excluded, excluded.matches(path) != nil { return false }
    switch targets.matches(path) {
    case nil: return false
    case .whole: return true
    case .end: break
    }
    // Only names that a path ends with are restricted; one that is the path always counts.
    guard let layersToTransform else { return true }
    guard let layer, layersToTransform.contains(layer) else { return false }
    return layersPattern.isEmpty || layersPattern.contains { $0.matches(path) }
  }
}

/// Decides whether a path belongs to `target_modules` or `exclude_modules`.
enum ModuleMatcher: Sendable {
  /// What of a path the match covers.
  enum Match {
    case whole, end
  }

  case names([String])
  case expression(PathPattern)
  case allLinear

  func matches(_ path: String) -> Match? {
    switch self {
    case .expression(let pattern): return pattern.matches(path) ? .whole : nil
    case .allLinear: return .whole
    case .names(let names):
      if names.contains(where: { path.utf8.elementsEqual($0.utf8) }) { return .whole }
      return names.contains { path.isOrEnds(with: $0) } ? .end : nil
    }
  }
}

extension String {
  /// Whether the path is `name`, or ends with a dot and `name`; bytes are compared.
  func isOrEnds(with name: String) -> Bool {
    let end = utf8.suffix(name.utf8.count)
    guard end.elementsEqual(name.utf8) else { return false }
    return end.startIndex == utf8.startIndex
      || utf8[utf8.index(before: end.startIndex)] == UInt8(ascii: ".")
  }
}
