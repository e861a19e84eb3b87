import MeteoRAKernels
import MeteoRALlama

// One batch, forward and back:
//
//   forward     as LlamaModel+Forward.swift, layer by layer; activations stay
//   losses      see TrainingPass+Losses.swift
//   backward    dh = gradient of the residual stream, from the last layer to the lowest trained
//
// See TrainingPass+Layer.swift for a layer in both directions.

/// What a batch did, besides adding to gradients.
package struct BatchOutcome: Sendable {
  package var totals: LossTotals
  package var routing: RoutingCounts
}

/// The memory of passes, kept from step to step.
package final class TrainingMemory {
  var layers: [LayerActivations] = []
  /// With recomputation: the residual streams before every layer.
  var inputs: [ActivationBuffer] = []
  let hidden = ActivationBuffer()
  let gradient = ActivationBuffer()
  /// Activations and gradients that do not outlive a layer.
  let branch = ActivationBuffer()
  let branchGradient = ActivationBuffer()
  let queryGradient = ActivationBuffer()
  let keyGradient = ActivationBuffer()
  let valueGradient = ActivationBuffer()
  let wideGradient = ActivationBuffer()
  let normalised = ActivationBuffer()

  package init() {}
}

/// The forward and backward pass of one batch.
package struct TrainingPass {
  let model: TrainableModel
  let batch: TrainingBatch
  let scale: LossScale
  /// Whether activations are computed again in the backward pass instead of kept.
  let recomputes: Bool
  /// Of the inputs of adapters; `nil` for none.
  let dropout: DropoutMasks?
  /// The number of rows that the step had before this batch.
  let firstRow: Int
  let memory: TrainingMemory
  let parallelism: Parallelism

  let rows: Int
  let ranges: [Range<Int>]
  /// Whether the next token of a gate label belongs to a response.
  let isResponseLabel: [Bool]
  /// Cosines and sines of every row's position.
  let tables: (cos: [Float], sin: [Float])

  /// - Parameters:
  ///   - batch: Ids below the model's vocabulary, sequences no longer than its positions, labels in
  ///     range.
  ///   - scale: That of the optimiser step which the batch is a part of.
  package init(
    _ batch: TrainingBatch, model: TrainableModel, scale: LossScale, recomputes: Bool,
    dropout: DropoutMasks? = nil, firstRow: Int = 0, memory: TrainingMemory,
    parallelism: Parallelism
  ) {
    self.dropout = dropout
    self.firstRow = firstRow
    self.model = model
    self.batch = batch
    self.scale = scale
    self.recomputes = recomputes
    self.memory = memory
    self.parallelism = parallelism
    ranges = batch.ranges
    isResponseLabel = batch.gateLabels.indices.map(batch.responseGateLabels.contains)
    rows = batch.rowCount
    tables = model.llama.rotary.tables(forRows: batch.sequences.flatMap(\.indices))
    let configuration = model.configuration
    let layerCount = model.llama.layers.count
    let held = recomputes ? min(layerCount, 1) : layerCount
    while memory.layers.count < held { memory.layers.append(LayerActivations()) }
    while recomputes, memory.inputs.count < layerCount {
      memory.inputs.append(ActivationBuffer())
    }
    for layer in memory.layers { layer.prepare(rows: rows, configuration) }
    for input in memory.inputs { input.prepare(rows: rows, width: configuration.hiddenSize) }
    let queryWidth = configuration.attentionHeads * configuration.headDimension
    let keyWidth = configuration.keyValueHeads * configuration.headDimension
    let hidden = configuration.hiddenSize
    for buffer in [memory.hidden, memory.gradient, memory.branch, memory.normalised] {
      buffer.prepare(rows: rows, width: hidden)
    }
    memory.branchGradient.prepare(rows: rows, width: max(hidden, queryWidth))
    memory.queryGradient.prepare(rows: rows, width: queryWidth)
    memory.keyGradient.prepare(rows: rows, width: keyWidth)
    memory.valueGradient.prepare(rows: rows, width: keyWidth)
    memory.wideGradient.prepare(rows: rows, width: configuration.intermediateSize)
  }

  /// Adds the gradients of the batch to those of the model, and its losses to `totals`.
  package func run(_ totals: LossTotals) -> BatchOutcome {
    forward(totals, isTraining: true)
  }

  /// The losses of the batch alone; the model's gradients stay.
  package func evaluate(_ totals: LossTotals) -> BatchOutcome {
    forward(totals, isTraining: false)
  }

  private func forward(_ totals: LossTotals, isTraining: Bool) -> BatchOutcome {
    var outcome = BatchOutcome(
      totals: totals, routing: RoutingCounts(layers: model.llama.layers.count))
    let layerCount = model.llama.layers.count
    for (row, token) in batch.sequences.lazy.flatMap(\.self).enumerated() {
      model.llama.embedding.copyRow(token, to: memory.hidden.row(row))
    }
    var gateLosses: [Float] = []
    for layer in 0..<layerCount {
      let activations = activations(of: layer)
      if recomputes {
        copyHidden(to: memory.inputs[layer])
      }
      gateLosses += computeLayer(layer, activations, counts: &outcome.routing)
    }
    gateLosses.withUnsafeBufferPointer { addLosses($0, to: &outcome.totals.gate) }
    computeLanguageLoss(&outcome.totals.language, isTraining: isTraining)
    if isTraining { backward() }
    return outcome
  }

  /// The first activations, in the order of the forward pass, that are not all finite.
  func firstNonFiniteActivation() -> String? {
    _ = forward(LossTotals(), isTraining: false)
    for (index, layer) in memory.layers.enumerated() {
      let places = [
        ("input_norm", layer.attentionInput), ("q_rope", layer.queries), ("k_rope", layer.keys),
        ("v_proj.output", layer.values), ("attention", layer.attended),
        ("post_attention_norm", layer.mlpInput), ("gate_proj.output", layer.gate),
        ("up_proj.output", layer.up), ("down_proj.input", layer.activated),
      ]
      for (name, buffer) in places where !buffer.isFinite(rows: rows) {
        return "layers.\(index).\(name)"
      }
    }
    return memory.hidden.isFinite(rows: rows) ? nil : "hidden, behind the last layer"
  }

  /// From the gradient of the residual stream behind the last layer to the lowest trained weight.
  private func backward() {
    let lowest = model.lowestTrainedLayer
    for layer in model.llama.layers.indices.reversed() where layer >= lowest {
      let activations = activations(of: layer)
      if recomputes, layer < model.llama.layers.count - 1 {
        var counts = RoutingCounts(layers: model.llama.layers.count)
        memory.hidden.start.update(from: memory.inputs[layer].start, count: hiddenCount)
        _ = computeLayer(layer, activations, counts: &counts)
      }
      differentiateLayer(layer, activations, reachesInput: layer > lowest)
    }
    if let base = model.trained.base { addEmbeddingGradients(base.embedding) }
  }

  var hiddenCount: Int { rows * model.configuration.hiddenSize }

  private func activations(of layer: Int) -> LayerActivations {
    memory.layers[recomputes ? 0 : layer]
  }

  /// For rows ascending: `dE[id] += dh`.
  private func addEmbeddingGradients(_ embedding: TrainedTensor) {
    MeteoRAKernels.addEmbeddingGradient(
      memory.gradient.start, ids: batch.sequences.lazy.flatMap(\.self),
      width: model.configuration.hiddenSize, to: embedding.gradient)
  }
}
