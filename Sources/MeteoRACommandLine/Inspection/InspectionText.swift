import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

extension Inspection {
  /// What `inspect` prints for a person.
  var text: String {
    switch self {
    case .unreadable(let path, let problem):
      FactSheet(kind: "unreadable", path: path, problems: [problem]).text
    case .tensors(let file): file.factSheet.text
    case .gates(let gates): gates.factSheet.text
    case .checkpoint(let checkpoint): checkpoint.factSheet.text
    case .adapter(let adapter): adapter.factSheet.text
    case .model(let model): model.factSheet.text
    case .bundle(let bundle): bundle.factSheet.text
    }
  }
}

extension SafetensorsFile {
  fileprivate var factSheet: FactSheet {
    var sheet = FactSheet(kind: "safetensors", path: location, problems: [])
    sheet.addFact("tensors", FactSheet.totals(TensorTotals(self)))
    for share in TensorTotals(self).shares {
      sheet.addFact(
        "  \(share.dtype)",
        "\(FactSheet.count(share.tensors, "tensor")), "
          + "\(FactSheet.count(share.elements, "element")), \(FactSheet.size(share.bytes))")
    }
    let entries = metadata?.entries ?? []
    sheet.addFact("metadata", entries.isEmpty ? "none" : "\(entries.count)")
    for entry in entries {
      sheet.addFact("  '\(printable(entry.key))'", "'\(printable(entry.value, limit: 200))'")
    }
    sheet.addTable(
      header: ["tensor", "type", "shape", "bytes"], numeric: [3],
      rows: tensors.map { tensor in
        [
          printable(tensor.name, limit: 200), tensor.dtype.name, "\(tensor.shape)",
          "\(tensor.byteCount)",
        ]
      })
    return sheet
  }
}

extension GatesInspection {
  fileprivate var factSheet: FactSheet {
    var sheet = FactSheet(kind: "gates", path: path, problems: problems)
    sheet.addFact("adapters", adapterCount.map { "\($0) to choose among" } ?? "none")
    sheet.addFact("modules", FactSheet.list(modules.map(\.rawValue)))
    sheet.addFact("layers", "\(layerCount)")
    sheet.addFact("tensors", FactSheet.totals(totals))
    return sheet
  }
}

extension CheckpointInspection {
  fileprivate var factSheet: FactSheet {
    var sheet = FactSheet(kind: "checkpoint", path: path, problems: problems)
    sheet.addFact(
      "adapters", "\(adapterCount), whose names, order and alphas the file does not hold")
    sheet.addFact("rank sums", FactSheet.list(rankSums))
    sheet.addFact("modules", FactSheet.list(modules.map(\.rawValue)))
    sheet.addFact("layers", "\(layerCount)")
    sheet.addFact("base", "\(baseTensors) tensors")
    sheet.addFact("tensors", FactSheet.totals(totals))
    return sheet
  }
}

extension AdapterInspection {
  fileprivate var factSheet: FactSheet {
    var sheet = FactSheet(kind: "adapter", path: folder.path, problems: problems)
    if let configuration { addFacts(of: configuration, to: &sheet) }
    for (module, layers) in layers {
      sheet.addFact(module.rawValue, "in layers \(FactSheet.ranges(layers))")
    }
    sheet.addFact("tensors", totals.map(FactSheet.totals) ?? FactSheet.unknown)
    if let fit {
      sheet.addFact("fit", "changes \(fit.changedCount) of \(fit.moduleCount) linear modules")
      sheet.addFact("untouched", FactSheet.list(fit.untouchedModules.map(\.rawValue)))
      sheet.addFact("unmatched", FactSheet.list(fit.unmatched))
      if !fit.missingLayers.isEmpty {
        sheet.addFact("no layer", FactSheet.list(fit.missingLayers))
      }
    }
    return sheet
  }

  private func addFacts(of configuration: LoRAConfiguration, to sheet: inout FactSheet) {
    let divisor = configuration.usesRankStabilization ? "alpha / sqrt(rank)" : "alpha / rank"
    if totals == nil {
      // Which module takes what only the weights can tell.
      sheet.addFact("rank", "\(configuration.rank)")
      sheet.addFact("alpha", FactSheet.number(configuration.alpha))
      sheet.addFact("scaling", divisor)
    } else {
      sheet.addFact("rank", FactSheet.list(ranks))
      sheet.addFact("alpha", FactSheet.list(alphas.map(FactSheet.number)))
      sheet.addFact("scaling", "\(FactSheet.list(scalings)), \(divisor)")
    }
    sheet.addFact("targets", configuration.targetModules.text)
    if let excluded = configuration.excludedModules { sheet.addFact("excluded", excluded.text) }
    if let layers = configuration.layersToTransform {
      sheet.addFact("only layers", FactSheet.list(layers))
    }
    for (pattern, rank) in configuration.rankPatterns {
      sheet.addFact("rank_pattern", "'\(printable(pattern))': \(rank)")
    }
    for (pattern, alpha) in configuration.alphaPatterns {
      sheet.addFact("alpha_pattern", "'\(printable(pattern))': \(FactSheet.number(alpha))")
    }
  }
}

extension LoRAConfiguration.Modules {
  fileprivate var text: String {
    switch self {
    case .names(let names): FactSheet.list(names.map { printable($0) })
    case .expression(let expression): "expression '\(printable(expression))'"
    case .allLinear: "all-linear"
    }
  }
}

extension ModelInspection {
  fileprivate var factSheet: FactSheet {
    var sheet = FactSheet(kind: "model", path: folder.path, problems: problems)
    addFacts(to: &sheet)
    return sheet
  }

  fileprivate func addFacts(to sheet: inout FactSheet) {
    if let configuration {
      addFacts(of: configuration, to: &sheet)
    } else {
      sheet.addFact("architecture", FactSheet.unknown)
    }
    if let parameterCount { sheet.addFact("parameters", "\(parameterCount)") }
    sheet.addFact(
      "weights",
      totals.map { totals in
        "\(FactSheet.totals(totals)) in \(FactSheet.count(weightFiles.count, "file"))"
      } ?? FactSheet.unknown)
    sheet.addFact("tokenizer", tokenizerText)
    guard let tokens = specialTokens else {
      sheet.addFact("special ids", FactSheet.unknown)
      return
    }
    sheet.addFact(
      "special ids",
      "begin \(FactSheet.list([tokens.beginOfSequence].compactMap { $0 })), "
        + "end \(FactSheet.list(tokens.endOfSequence)), "
        + "padding \(FactSheet.list([tokens.padding].compactMap { $0 }))")
    if !specialTokensOutsideVocabulary.isEmpty {
      sheet.addFact(
        "note",
        "special ids \(FactSheet.list(specialTokensOutsideVocabulary)) are outside the vocabulary and "
          + "can never occur")
    }
  }

  private func addFacts(of shape: LlamaConfiguration, to sheet: inout FactSheet) {
    sheet.addFact(
      "architecture",
      "Llama, \(FactSheet.count(shape.layerCount, "layer")), hidden \(shape.hiddenSize), MLP \(shape.intermediateSize), "
        + "\(shape.attentionHeads) heads of \(shape.headDimension) (\(shape.keyValueHeads) key-value), "
        + "vocabulary \(shape.vocabularySize), \(shape.maximumPositions) positions")
    sheet.addFact(
      "rope", "theta \(FactSheet.number(Double(shape.ropeTheta))), scaling \(shape.ropeScalingText)"
    )
    sheet.addFact(
      "embeddings",
      shape.tiesEmbeddings ? "tied with the output matrix" : "apart from the output matrix")
    let biases = [
      shape.hasAttentionBias ? "attention" : nil, shape.hasMLPBias ? "MLP" : nil,
    ]
    if biases.contains(where: { $0 != nil }) {
      sheet.addFact("biases", FactSheet.list(biases.compactMap { $0 }))
    }
  }

  private var tokenizerText: String {
    guard let file = tokenizerFiles.first else { return "none: prompts have to be ids" }
    guard let tokenizerVocabulary else { return "\(file), which cannot be used (see above)" }
    let beyond = configuration.map { tokenizerVocabulary - $0.vocabularySize } ?? 0
    let excess = beyond > 0 ? ", \(beyond) more than the model takes" : ""
    return "\(file), \(tokenizerVocabulary) tokens\(excess)"
  }
}

extension BundleInspection {
  fileprivate var factSheet: FactSheet {
    var sheet = FactSheet(kind: "bundle", path: folder.path, problems: problems)
    guard let files else { return sheet }
    sheet.addFact("base", files.base.path)
    base?.addFacts(to: &sheet)
    sheet.addFact(
      "router", "top-k \(files.router.topK), temperature \(files.router.temperature)")
    if let gates {
      sheet.addFact(
        "gates",
        "\(FactSheet.totals(gates.totals)); \(routedModuleCount) linear modules route")
    }
    sheet.addFact("adapters", "\(adapters.count)")
    sheet.addTable(
      header: ["#", "name", "rank", "alpha", "scaling", "modules", "bytes"],
      numeric: [0, 5, 6],
      rows: adapters.enumerated().map { index, adapter in
        let inspection = adapter.inspection
        guard inspection.configuration != nil, let totals = inspection.totals else {
          return ["\(index)", printable(adapter.name), "?", "?", "?", "?", "?"]
        }
        return [
          "\(index)", printable(adapter.name), FactSheet.list(inspection.ranks),
          FactSheet.list(inspection.alphas.map(FactSheet.number)),
          FactSheet.list(inspection.scalings), "\(inspection.updates.count)",
          "\(totals.bytes)",
        ]
      })
    return sheet
  }
}
