import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

// The tensors of a trace, T tokens, L adapters, k selected:
//
//   logits [T, V]    final_norm [T, H]    layers.{i}.hidden [T, H]
//   layers.{i}.{module}.gate_logits [T, L]   .selected i64 [T, k]   .weights [T, k]
//
// with every intermediate:
//
//   embeddings [T, H]    layers.{i}.{input_norm, post_attention_norm} [T, H]
//   layers.{i}.q_rope [T, heads, d]    .k_rope [T, kv heads, d]    .attention [T, heads · d]
//   layers.{i}.{module}.input [T, in]    .{base, output} [T, out]
//   layers.{i}.{module}.delta [T, out]   of modules that an adapter changes

/// What a trace of a model holds.
struct TracePlan {
  let configuration: LlamaConfiguration
  /// Whether an adapter may change a module, by layer and ``LinearModule/index``.
  let isChanged: [[Bool]]
  /// Adapters and k of a routed model.
  let routing: (adapterCount: Int, topK: Int)?
  let detail: TraceDetail

  /// The shape of a value without its first dimension, or `nil` if the trace leaves it out.
  func rowShape(of point: TracePoint) -> [Int]? {
    let hidden = [configuration.hiddenSize]
    let everything = detail == .everything
    switch point {
    case .logits: return [configuration.vocabularySize]
    case .finalNorm, .hidden: return hidden
    case .embeddings, .inputNorm, .postAttentionNorm: return everything ? hidden : nil
    case .queryRotated:
      return everything ? [configuration.attentionHeads, configuration.headDimension] : nil
    case .keyRotated:
      return everything ? [configuration.keyValueHeads, configuration.headDimension] : nil
    case .attention:
      return everything ? [configuration.attentionHeads * configuration.headDimension] : nil
    case .module(let layer, let module, let point):
      let shape = configuration.shape(of: module)
      let changed = isChanged[layer][module.index]
      switch point {
      case .input: return everything ? [shape.inFeatures] : nil
      case .base, .output: return everything ? [shape.outFeatures] : nil
      case .delta: return everything && changed ? [shape.outFeatures] : nil
      case .gateLogits: return changed ? routing.map { [$0.adapterCount] } : nil
      }
    }
  }

  /// Every tensor of a trace of `tokens` tokens.
  func declarations(tokens: Int, prefix: String) -> [SafetensorsWriter.Declaration] {
    var declarations: [SafetensorsWriter.Declaration] = []
    for point in points {
      guard let shape = rowShape(of: point) else { continue }
      declarations.append(.init(prefix + point.name, .f32, [tokens] + shape))
      if case .module(let layer, let module, .gateLogits) = point, let routing {
        let (selected, weights) = Self.choiceNames(layer: layer, module: module)
        declarations.append(.init(prefix + selected, .i64, [tokens, routing.topK]))
        declarations.append(.init(prefix + weights, .f32, [tokens, routing.topK]))
      }
    }
    return declarations
  }

  /// The names of a routed module's choice and of its weights.
  static func choiceNames(
    layer: Int, module: LinearModule
  ) -> (selected: String, weights: String) {
    let path = "layers.\(layer).\(module.rawValue)"
    return ("\(path).selected", "\(path).weights")
  }

  private var points: [TracePoint] {
    var points: [TracePoint] = [.embeddings]
    for layer in 0..<configuration.layerCount {
      points += [.inputNorm(layer), .queryRotated(layer), .keyRotated(layer), .attention(layer)]
      points += [.postAttentionNorm(layer), .hidden(layer)]
      for module in LinearModule.allCases {
        let parts: [TracePoint.ModulePoint] = [.input, .base, .delta, .output, .gateLogits]
        points += parts.map { .module(layer, module, $0) }
      }
    }
    return points + [.finalNorm, .logits]
  }
}
