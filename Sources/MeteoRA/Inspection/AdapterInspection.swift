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
  /// Its `adapter_config.json`.
  public let configuration: LoRAConfiguration
  /// What its weights hold.
  public let totals: TensorTotals
  /// Layer after layer.
  public let updates: [Update]
  /// `nil` without a base.
  public let fit: Fit?
  /// Everything that would keep the adapter from being loaded; without a base, as far as the
  /// folder alone can tell.
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

  /// Reads the configuration and the header of the weights.
  ///
  /// - Parameters:
  ///   - folder: Holds `adapter_config.json` and `adapter_model.safetensors`.
  ///   - base: The model to compare with.
  /// - Throws: ``MeteoRAError`` if a file cannot be read at all, or the patterns of the configuration
  ///   take too long.
  public init(folder: URL, base: LlamaConfiguration? = nil) throws(MeteoRAError) {
    try self.init(folder: folder, base: base, heldLayers: Self.mostLayers)
  }

  /// More than the 126 layers of the largest Llama: those in which an adapter's missing updates are
  /// looked for if nothing but a configuration says how many there are.
  private static let mostLayers = 160

  /// - Parameter heldLayers: Layers that the base really has, as far as that is known: its
  ///   configuration may claim any number.
  init(folder: URL, base: LlamaConfiguration?, heldLayers: Int) throws(MeteoRAError) {
    self.folder = folder
    let configuration = try LoRAConfiguration(
      contentsOf: folder.appendingPathComponent(PEFTAdapter.configurationFile))
    self.configuration = configuration
    let file = try PEFTAdapter.weights(in: folder)
    totals = TensorTotals(file)
    let tensors = ModuleTensors(file)
    var expectations = TensorExpectations(of: file)
    var updates: [Update] = []
    let layers = tensors.layers
    let last = tensors.layerCount
    let examined = base.map { min($0.layerCount, max(heldLayers, last)) } ?? last
    // Not known of layers that are not looked at.
    var changesNothing = examined > 0 && examined == base?.layerCount ?? last
    var ambiguity: MeteoRAError?
    var work = PatternWork(file: configuration.file)
    for layer in 0..<examined {
      var planned: [(module: LinearModule, planned: Planned)] = []
      for module in LinearModule.allCases {
        let trained = tensors[ModulePlace(layer: layer, module: module), .a]
        do throws(MeteoRAError) {
          let update = try configuration.update(
            of: module, layer: layer, trainedRank: trained?.shape.first, work: &work)
          if let update { planned.append((module, .update(update))) }
        } catch .ambiguousPatterns(let file, let path, let today, let before) {
          ambiguity =
            ambiguity
            ?? .ambiguousPatterns(file: file, module: path, today: today, before: before)
          planned.append((module, .ambiguous))
        }
      }
      if planned.isEmpty { continue }
      changesNothing = false
      if !layers.contains(layer) {
        // Behind the last layer of the file there is nothing to be found either.
        if let base, layer >= last {
          expectations.reportMissing(layer...base.layerCount - 1)
          break
        }
        expectations.reportMissing(layer...layer)
        continue
      }
      for (module, planned) in planned {
        let shape = base?.shape(of: module)
        expectations.expect(
          PEFTAdapter.key(module, layer: layer, "lora_A"), shape: [planned.rank, shape?.inFeatures])
        expectations.expect(
          PEFTAdapter.key(module, layer: layer, "lora_B"),
          shape: [shape?.outFeatures, planned.rank])
        guard case .update(let update) = planned else { continue }
        updates.append(
          Update(
            layer: layer, module: module, rank: update.rank, alpha: update.alpha,
            scaling: update.scaling))
      }
    }
    if let ambiguity { expectations.report(ambiguity) }
    expectations.expectNothingElse { tensor in
      PEFTAdapter.explained(
        .unexpectedTensor(file: tensor.file, tensor: tensor.name),
        scope: base == nil ? "" : " in this base model")
    }
    if changesNothing {
      expectations.report(
        .invalid(
          file: configuration.file, field: "target_modules", found: "without effect",
          expected: "at least one linear module of \(base == nil ? "the" : "this") base model"))
    }
    self.updates = updates
    if let base {
      fit = try Fit(configuration, updates: updates, base: base)
    } else {
      fit = nil
    }
    problems = expectations.problems
  }
}

/// What the configuration says of a module.
private enum Planned {
  case update(LoRAConfiguration.Update)
  /// Releases of PEFT do not agree.
  case ambiguous

  var rank: Int? {
    switch self {
    case .update(let update): update.rank
    case .ambiguous: nil
    }
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
