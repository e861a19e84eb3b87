import MeteoRALlama
import MeteoRASafetensors

/// What an adapter's configuration asks for, beside what its weights hold.
struct AdapterComparison {
  /// Layer after layer.
  let updates: [AdapterInspection.Update]
  /// Every difference.
  let problems: [MeteoRAError]

  /// - Parameter heldLayers: Layers that the base really has, as far as that is known.
  /// - Throws: ``MeteoRAError`` if the patterns of the configuration take too long.
  init(
    _ configuration: LoRAConfiguration, with file: SafetensorsFile, base: LlamaConfiguration?,
    heldLayers: Int
  ) throws(MeteoRAError) {
    let tensors = ModuleTensors(file)
    var expectations = TensorExpectations(of: file)
    var updates: [AdapterInspection.Update] = []
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
          AdapterInspection.Update(
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
