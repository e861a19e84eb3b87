import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// What a PEFT folder holds, and how it fits a base model.
public struct AdapterInspection: Sendable {
  /// The change of one linear module.
  public struct Update: Sendable, Equatable {
    /// Index of the decoder layer.
    public var layer: Int
    /// The linear module of that layer.
    public var module: LinearModule
    /// r of this module, after `rank_pattern`.
    public var rank: Int
    /// alpha of this module, after `alpha_pattern`.
    public var alpha: Double
    /// s = alpha / r, or alpha / √r.
    public var scaling: Float
  }

  /// How the configuration meets a base model.
  public struct Fit: Sendable, Equatable {
    /// Names of `target_modules` and keys of the patterns that match no module that is changed,
    /// with the field that they stand in.
    public var unmatched: [String]
    /// Layers of `layers_to_transform` that the base does not have.
    public var missingLayers: [Int]
    /// Linear modules that are changed in no layer.
    public var untouchedModules: [LinearModule]
    /// Linear modules of the base.
    public var moduleCount: Int
    /// Linear modules that are changed.
    public var changedCount: Int
  }

  /// The PEFT folder.
  public let folder: URL
  /// Its `adapter_config.json`; `nil` if that cannot be taken.
  public let configuration: LoRAConfiguration?
  /// What its weights hold; `nil` if they cannot be read.
  public let totals: TensorTotals?
  /// Layer after layer; none without configuration or weights.
  public let updates: [Update]
  /// `nil` without a base, configuration or weights.
  public let fit: Fit?
  /// Everything that would keep the adapter from being loaded; without a base, as far as the
  /// folder alone can tell. Of a file that breaks its format the first, and of the values and
  /// patterns of the configuration.
  public let problems: [MeteoRAError]

  /// The distinct ranks, ascending.
  public var ranks: [Int] { Array(Set(updates.map(\.rank))).sorted() }
  /// The distinct alphas, ascending.
  public var alphas: [Double] { Array(Set(updates.map(\.alpha))).sorted() }
  /// The distinct scales, ascending.
  public var scalings: [Float] { Array(Set(updates.map(\.scaling))).sorted() }
  /// Of every module that is changed, the layers, ascending.
  public var layers: [(module: LinearModule, layers: [Int])] {
    LinearModule.allCases.compactMap { module in
      let layers = updates.filter { $0.module == module }.map(\.layer)
      return layers.isEmpty ? nil : (module, layers)
    }
  }

  /// Reads the configuration and the header of the weights; what cannot be read is a problem.
  ///
  /// - Parameters:
  ///   - folder: Holds `adapter_config.json` and `adapter_model.safetensors`.
  ///   - base: The model to compare with.
  public init(folder: URL, base: LlamaConfiguration? = nil) {
    self.init(folder: folder, base: base, heldLayers: Self.mostLayers)
  }

  /// More than the 126 layers of the largest Llama: those in which an adapter's missing updates are
  /// looked for if nothing but a configuration says how many there are.
  private static let mostLayers = 160

  /// - Parameter heldLayers: Layers that the base really has, as far as that is known: its
  ///   configuration may claim any number.
  init(folder: URL, base: LlamaConfiguration?, heldLayers: Int) {
    self.folder = folder
    var problems = FoundProblems()
    let url = folder.appendingPathComponent(PEFTAdapter.configurationFile)
    let configuration = problems.attempt { () throws(MeteoRAError) in
      try LoRAConfiguration(contentsOf: url)
    }
    if configuration == nil { problems.add(LoRAConfiguration.problems(contentsOf: url)) }
    let file = problems.attempt { () throws(MeteoRAError) in try PEFTAdapter.weights(in: folder) }
    var comparison: AdapterComparison?
    var fit: Fit?
    if let configuration, let file {
      comparison = problems.attempt { () throws(MeteoRAError) in
        try AdapterComparison(configuration, with: file, base: base, heldLayers: heldLayers)
      }
      problems.add(comparison?.problems ?? [])
      if let comparison, let base {
        fit = problems.attempt { () throws(MeteoRAError) in
          try Fit(configuration, updates: comparison.updates, base: base)
        }
      }
    }
    self.configuration = configuration
    totals = file.map { TensorTotals($0) }
    updates = comparison?.updates ?? []
    self.fit = fit
    self.problems = problems.all
  }
}

extension AdapterInspection.Fit {
  fileprivate init(
    _ configuration: LoRAConfiguration, updates: [AdapterInspection.Update],
    base: LlamaConfiguration
  ) throws(MeteoRAError) {
    let paths = updates.map { Array($0.module.path(layer: $0.layer).utf8) }
    var unmatched: [String] = []
    if case .names(let names) = configuration.targetModules {
      let ends = Set(paths.flatMap(\.ends))
      for name in names where !ends.contains(Array(name.utf8)[...]) {
        unmatched.append("target_modules '\(printable(name))'")
      }
    }
    var work = PatternWork(file: configuration.file)
    for (field, patterns) in [
      ("rank_pattern", configuration.patterns.ranks.patterns),
      ("alpha_pattern", configuration.patterns.alphas.patterns),
    ] {
      for pattern in patterns {
        var isMatched = false
        for path in paths where try pattern.matches(path, work: &work) {
          isMatched = true
          break
        }
        if !isMatched { unmatched.append("\(field) '\(printable(pattern.text))'") }
      }
    }
    self.unmatched = unmatched
    missingLayers = (configuration.layersToTransform ?? []).filter {
      $0 < 0 || $0 >= base.layerCount
    }
    let touched = Set(updates.map(\.module))
    untouchedModules = LinearModule.allCases.filter { !touched.contains($0) }
    moduleCount = base.layerCount * LinearModule.allCases.count
    changedCount = updates.count
  }
}
