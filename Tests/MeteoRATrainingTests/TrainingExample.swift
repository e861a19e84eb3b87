import MeteoRAKernels
import MeteoRALlama
import MeteoRATestSupport

@testable import MeteoRATraining

/// A tiny model with random adapters and gates, all of it trained, and batches for it.
struct TrainingExample {
  let model: TrainableModel
  let batches: [TrainingBatch]
  let scale: LossScale

  /// What of the model is trained.
  enum Part: CaseIterable {
    case gates, gatesAndAdapters, base, everything
  }

  init(
    _ part: Part, seed: Int = 1, adapterCount: Int = 3, topK: Int = 2, temperature: Float = 1.5,
    gateLossWeight: Float = 0.5, base: TinyModel = TinyModel(),
    lengths: [[Int]] = [[5, 1, 9], [130]]
  ) throws {
    let folder = try base.folder()
    let llama = try LlamaModel(folder: folder.url)
    var random = SeededRandom(seed: UInt64(seed))
    func values(_ count: Int, _ scale: Float = 1) -> [Float] {
      (0..<count).map { _ in random.weight() * scale }
    }
    let trainsGates = part != .base
    let trainsAdapters = part == .gatesAndAdapters || part == .everything
    let trainsBase = part == .base || part == .everything
    var modules: [[TrainableModule?]] = []
    var trained: [[TrainedModule]] = []
    for layer in llama.layers.indices {
      var routed: [TrainableModule?] = []
      var tensors: [TrainedModule] = []
      for module in LinearModule.allCases {
        let weights = llama.layers[layer][module].weights
        let path = module.path(layer: layer)
        let (outputs, inputs) = (weights.outFeatures, weights.inFeatures)
        var own = TrainedModule()
        let gate = TrainedTensor(
          name: "\(path).moe_gate", shape: [adapterCount, inputs],
          values: values(adapterCount * inputs))
        let adapters = (0..<adapterCount).map { index in
          // Ranks differ; one adapter lacks a module.
          index == 1 && module == .up
            ? nil
            : TrainedAdapter(
              a: TrainedTensor(
                name: "\(index).\(path).lora_A", shape: [index + 1, inputs],
                values: values((index + 1) * inputs)),
              b: TrainedTensor(
                name: "\(index).\(path).lora_B", shape: [outputs, index + 1],
                values: values((index + 1) * outputs)),
              scaling: 0.5)
        }
        if trainsGates { own.gate = gate }
        if trainsAdapters { own.adapters = adapters }
        if trainsBase {
          let memory = AlignedMemory(byteCount: outputs * inputs * 4)
          weights.copyRows(to: memory.floats)
          own.weight = TrainedTensor(
            name: "\(path).weight", shape: [outputs, inputs],
            values: Array(UnsafeBufferPointer(start: memory.floats, count: outputs * inputs)))
          own.bias = llama.layers[layer][module].bias.map { bias in
            TrainedTensor(name: "\(path).bias", shape: [outputs], values: bias)
          }
        }
        tensors.append(own)
        routed.append(
          trainsGates
            ? try TrainableModule(
              gate: gate.weights(parallelism: .serial),
              bank: LoRABank(
                adapters: adapters.map { adapter in
                  try adapter.map {
                    try LoRAAdapter(
                      a: $0.a.weights(parallelism: .serial), b: $0.b.weights(parallelism: .serial),
                      scaling: $0.scaling)
                  }
                }, outFeatures: outputs, inFeatures: inputs)) : nil)
      }
      modules.append(routed)
      trained.append(tensors)
    }
    model = TrainableModel(
      llama: llama, modules: modules,
      trained: TrainedWeights(
        modules: trained, base: trainsBase ? try Self.base(of: llama) : nil),
      adapterCount: adapterCount, topK: topK, temperature: temperature)
    let vocabulary = llama.configuration.vocabularySize
    batches = lengths.map { lengths in
      let sequences = lengths.map { length in
        (0..<length).map { _ in random.next(below: vocabulary) }
      }
      var (language, gates): ([LabelledRow], [LabelledRow]) = ([], [])
      var row = 0
      for (index, sequence) in sequences.enumerated() {
        for position in sequence.indices.dropLast() {
          if position % 4 != 1 {
            language.append(LabelledRow(row: row + position, label: sequence[position + 1]))
          }
          if position % 5 != 2 {
            gates.append(LabelledRow(row: row + position, label: index % adapterCount))
          }
        }
        row += sequence.count
      }
      return TrainingBatch(sequences: sequences, languageLabels: language, gateLabels: gates)
    }
    scale = LossScale(
      languageLabels: batches.reduce(0) { $0 + $1.languageLabels.count },
      gateLabels: batches.reduce(0) { $0 + $1.gateLabels.count } * model.gateCount,
      gateLossWeight: gateLossWeight)
  }

  private static func base(of llama: LlamaModel) throws -> TrainedBase {
    func matrix(_ weights: WeightMatrix, _ name: String) -> TrainedTensor {
      let count = weights.outFeatures * weights.inFeatures
      let memory = AlignedMemory(byteCount: count * 4)
      weights.copyRows(to: memory.floats)
      return TrainedTensor(
        name: name, shape: [weights.outFeatures, weights.inFeatures],
        values: Array(UnsafeBufferPointer(start: memory.floats, count: count)))
    }
    func vector(_ values: [Float], _ name: String) -> TrainedTensor {
      TrainedTensor(name: name, shape: [values.count], values: values)
    }
    return TrainedBase(
      embedding: matrix(llama.embedding, "embed_tokens"),
      head: llama.configuration.tiesEmbeddings ? nil : matrix(llama.head, "lm_head"),
      finalNorm: vector(llama.finalNorm, "norm"),
      inputNorms: llama.layers.enumerated().map { vector($1.inputNorm, "\($0).input_norm") },
      postAttentionNorms: llama.layers.enumerated().map {
        vector($1.postAttentionNorm, "\($0).post_attention_norm")
      })
  }

  /// The losses of a step, whose gradients the model then holds.
  @discardableResult
  func step(
    threads: Int = 1, recomputes: Bool = false, dropout: DropoutMasks? = nil
  ) throws -> Losses {
    for tensor in model.trained.tensors {
      tensor.take(gradient: [Float](repeating: 0, count: tensor.count))
    }
    let memory = TrainingMemory()
    var totals = LossTotals()
    var firstRow = 0
    for batch in batches {
      totals =
        TrainingPass(
          batch, model: model, scale: scale, recomputes: recomputes, dropout: dropout,
          firstRow: firstRow, memory: memory, parallelism: try Parallelism(threads: threads)
        ).run(totals).totals
      firstRow += batch.rowCount
    }
    return totals.losses(scale)
  }

  /// The losses of a step alone.
  func losses() -> Losses {
    let memory = TrainingMemory()
    var totals = LossTotals()
    for batch in batches {
      totals =
        TrainingPass(
          batch, model: model, scale: scale, recomputes: false, memory: memory, parallelism: .serial
        ).evaluate(totals).totals
    }
    return totals.losses(scale)
  }

  /// All gradients, in order.
  var gradients: [[Float]] {
    model.trained.tensors.map(\.gradientArray)
  }
}
