import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

extension Inspection {
  /// What `inspect --json` prints: `kind`, `path`, `problems`, and the facts.
  var json: JSONOutput {
    let head: (kind: String, path: String)
    let facts: [(key: String, value: JSONOutput)]
    switch self {
    case .unreadable(let path, _): (head, facts) = (("unreadable", path), [])
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
    optional(value) { .integer($0) }
  }

  fileprivate static func optional<Value>(
    _ value: Value?, _ json: (Value) -> JSONOutput
  ) -> JSONOutput {
    value.map(json) ?? .null
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
      ("use_rslora", .optional(configuration) { .bool($0.usesRankStabilization) }),
      ("target_modules", .optional(configuration) { $0.targetModules.json }),
      ("exclude_modules", .optional(configuration?.excludedModules) { $0.json }),
      ("layers_to_transform", .optional(configuration?.layersToTransform) { .integers($0) }),
      (
        "rank_pattern",
        .optional(configuration) { configuration in
          .object(configuration.rankPatterns.map { ($0.pattern, .integer($0.rank)) })
        }
      ),
      (
        "alpha_pattern",
        .optional(configuration) { configuration in
          .object(configuration.alphaPatterns.map { ($0.pattern, .number($0.alpha)) })
        }
      ),
      ("changes", .object(layers.map { ($0.module.rawValue, .integers($0.layers)) })),
      ("totals", .optional(totals) { JSONOutput($0) }),
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
    [
      ("layers", .optional(configuration) { .integer($0.layerCount) }),
      ("hidden_size", .optional(configuration) { .integer($0.hiddenSize) }),
      ("intermediate_size", .optional(configuration) { .integer($0.intermediateSize) }),
      ("attention_heads", .optional(configuration) { .integer($0.attentionHeads) }),
      ("key_value_heads", .optional(configuration) { .integer($0.keyValueHeads) }),
      ("head_dim", .optional(configuration) { .integer($0.headDimension) }),
      ("vocabulary_size", .optional(configuration) { .integer($0.vocabularySize) }),
      ("positions", .optional(configuration) { .integer($0.maximumPositions) }),
      ("rope_theta", .optional(configuration) { .float($0.ropeTheta) }),
      ("rope_scaling", .optional(configuration) { .string($0.ropeScalingText) }),
      ("rms_norm_eps", .optional(configuration) { .float($0.normEpsilon) }),
      ("tied_embeddings", .optional(configuration) { .bool($0.tiesEmbeddings) }),
      ("attention_bias", .optional(configuration) { .bool($0.hasAttentionBias) }),
      ("mlp_bias", .optional(configuration) { .bool($0.hasMLPBias) }),
      ("parameters", .optional(parameterCount)), ("totals", .optional(totals) { JSONOutput($0) }),
      ("weight_files", .strings(weightFiles.map(\.path))),
      ("tokenizer_files", .strings(tokenizerFiles)),
      ("tokenizer_vocabulary", .optional(tokenizerVocabulary)),
      ("begin_of_sequence", .optional(specialTokens?.beginOfSequence)),
      ("end_of_sequence", .optional(specialTokens) { .integers($0.endOfSequence) }),
      ("padding", .optional(specialTokens?.padding)),
      ("special_ids_outside_vocabulary", .integers(specialTokensOutsideVocabulary)),
    ]
  }
}

extension BundleInspection {
  fileprivate var facts: [(key: String, value: JSONOutput)] {
    [
      (
        "router",
        .optional(files?.router) { router in
          .object([("top_k", .integer(router.topK)), ("temperature", .float(router.temperature))])
        }
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
                + adapter.inspection.facts)
          })
      ),
    ]
  }
}
