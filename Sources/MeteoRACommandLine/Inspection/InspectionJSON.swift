import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

extension Inspection {
  /// What `inspect --json` prints: `kind`, `path`, `problems`, and the facts.
  var json: JSONOutput {
    let head: (kind: String, path: String)
    let facts: [(key: String, value: JSONOutput)]
    switch self {
    case .tensors(let file): (head, facts) = (("safetensors", file.location), file.facts)
    case .gates(let gates): (head, facts) = (("gates", gates.path), gates.facts)
    case .checkpoint(let checkpoint):
      (head, facts) = (("checkpoint", checkpoint.path), checkpoint.facts)
    case .adapter(let adapter): (head, facts) = (("adapter", adapter.folder.path), adapter.facts)
    case .model(let model): (head, facts) = (("model", model.folder.path), model.facts)
    case .bundle(let bundle): (head, facts) = (("bundle", bundle.folder.path), bundle.facts)
    }
    return .object(
      [
        ("kind", .string(head.kind)), ("path", .string(head.path)),
        ("problems", .array(problems.map { .string("\($0)") })),
      ] + facts)
  }
}

extension JSONOutput {
  fileprivate static func integers(_ values: [Int]) -> JSONOutput {
    .array(values.map { .integer($0) })
  }

  fileprivate static func strings(_ values: [String]) -> JSONOutput {
    .array(values.map { .string($0) })
  }

  fileprivate static func optional(_ value: Int?) -> JSONOutput {
    value.map { .integer($0) } ?? .null
  }

  fileprivate init(_ totals: TensorTotals) {
    self = .object([
      ("tensors", .integer(totals.tensors)), ("elements", .integer(totals.elements)),
      ("bytes", .integer(totals.bytes)),
      ("dtypes", .strings(totals.shares.map(\.dtype.name))),
    ])
  }
}

extension SafetensorsFile {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    [
      ("totals", JSONOutput(TensorTotals(self))),
      (
        "metadata",
        metadata.map { metadata in .object(metadata.entries.map { ($0.key, .string($0.value)) }) }
          ?? .null
      ),
      (
        "tensors",
        .array(
          tensors.map { tensor in
            .object([
              ("name", .string(tensor.name)), ("dtype", .string(tensor.dtype.name)),
              ("shape", .integers(tensor.shape)), ("bytes", .integer(tensor.byteCount)),
            ])
          })
      ),
    ]
  }
}

extension GatesInspection {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    [
      ("adapters", .optional(adapterCount)), ("modules", .strings(modules.map(\.rawValue))),
      ("layers", .integer(layerCount)), ("totals", JSONOutput(totals)),
    ]
  }
}

extension CheckpointInspection {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    [
      ("adapters", .integer(adapterCount)), ("rank_sums", .integers(rankSums)),
      ("modules", .strings(modules.map(\.rawValue))), ("layers", .integer(layerCount)),
      ("base_tensors", .integer(baseTensors)), ("totals", JSONOutput(totals)),
    ]
  }
}

extension AdapterInspection {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    [
      ("ranks", .integers(ranks)), ("alphas", .array(alphas.map { .number($0) })),
      ("scalings", .array(scalings.map { .float($0) })),
      ("use_rslora", .bool(configuration.usesRankStabilization)),
      ("target_modules", configuration.targetModules.json),
      ("exclude_modules", configuration.excludedModules?.json ?? .null),
      ("layers_to_transform", configuration.layersToTransform.map { .integers($0) } ?? .null),
      (
        "rank_pattern",
        .object(configuration.rankPatterns.map { ($0.pattern, .integer($0.rank)) })
      ),
      (
        "alpha_pattern",
        .object(configuration.alphaPatterns.map { ($0.pattern, .number($0.alpha)) })
      ),
      ("changes", .object(layers.map { ($0.module.rawValue, .integers($0.layers)) })),
      ("totals", JSONOutput(totals)),
      ("fit", fit?.json ?? .null),
    ]
  }
}

extension AdapterInspection.Fit {
  fileprivate var json: JSONOutput {
    .object([
      ("changed_modules", .integer(changedCount)), ("modules", .integer(moduleCount)),
      ("untouched", .strings(untouchedModules.map(\.rawValue))),
      ("unmatched", .strings(unmatched)), ("missing_layers", .integers(missingLayers)),
    ])
  }
}

extension LoRAConfiguration.Modules {
  fileprivate var json: JSONOutput {
    switch self {
    case .names(let names): .strings(names)
    case .expression(let expression): .string(expression)
    case .allLinear: .string("all-linear")
    }
  }
}

extension ModelInspection {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    let shape = configuration
    return [
      ("layers", .integer(shape.layerCount)), ("hidden_size", .integer(shape.hiddenSize)),
      ("intermediate_size", .integer(shape.intermediateSize)),
      ("attention_heads", .integer(shape.attentionHeads)),
      ("key_value_heads", .integer(shape.keyValueHeads)),
      ("head_dim", .integer(shape.headDimension)),
      ("vocabulary_size", .integer(shape.vocabularySize)),
      ("positions", .integer(shape.maximumPositions)),
      ("rope_theta", .float(shape.ropeTheta)), ("rope_scaling", .string(shape.ropeScalingText)),
      ("rms_norm_eps", .float(shape.normEpsilon)),
      ("tied_embeddings", .bool(shape.tiesEmbeddings)),
      ("attention_bias", .bool(shape.hasAttentionBias)), ("mlp_bias", .bool(shape.hasMLPBias)),
      ("parameters", .integer(parameterCount)), ("totals", JSONOutput(totals)),
      ("weight_files", .strings(weightFiles.map(\.path))),
      ("tokenizer_files", .strings(tokenizerFiles)),
      ("tokenizer_vocabulary", .optional(tokenizerVocabulary)),
      ("begin_of_sequence", .optional(specialTokens.beginOfSequence)),
      ("end_of_sequence", .integers(specialTokens.endOfSequence)),
      ("padding", .optional(specialTokens.padding)),
      ("special_ids_outside_vocabulary", .integers(specialTokensOutsideVocabulary)),
    ]
  }
}

extension BundleInspection {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    [
      (
        "router",
        .object([
          ("top_k", .integer(files.router.topK)), ("temperature", .float(files.router.temperature)),
        ])
      ),
      ("routed_modules", .integer(routedModuleCount)),
      ("base", base.map { .object([("path", .string($0.folder.path))] + $0.facts) } ?? .null),
      ("gates", gates.map { .object([("path", .string($0.path))] + $0.facts) } ?? .null),
      (
        "adapters",
        .array(
          adapters.map { adapter in
            .object(
              [("name", .string(adapter.name)), ("path", .string(adapter.folder.path))]
                + (adapter.inspection?.facts ?? []))
          })
      ),
    ]
  }
}
