import MeteoRA
import MeteoRAKernels
import MeteoRALlama

/// How weights follow their gradients.
public struct OptimiserOptions: Sendable, Equatable {
  public var adamW: AdamW
  public var schedule: LearningRateSchedule
  /// The largest norm of all gradients together; larger ones are scaled down.
  public var maximumNorm: Float

  public init(adamW: AdamW, schedule: LearningRateSchedule, maximumNorm: Float) {
    self.adamW = adamW
    self.schedule = schedule
    self.maximumNorm = maximumNorm
  }
}

/// What a step of the optimiser did.
package struct StepOutcome: Sendable {
  package var losses: Losses
  /// Of the gradients, before they were clipped.
  package var norm: Float
  package var learningRate: Double
  package var routing: RoutingCounts

  /// Whether there were new weights.
  package var isFinite: Bool { norm.isFinite && losses.total.isFinite }
}

extension TrainableModel {
  /// Makes one step: the gradients of all batches, clipped, and new weights.
  ///
  /// A norm or a loss that is not finite leaves weights and moments as they were.
  ///
  /// - Parameters:
  ///   - step: Counted from 0.
  ///   - gateLossWeight: β.
  /// - Throws: ``KernelError`` if the new weights cannot be adopted.
  package func makeStep(
    _ step: Int, batches: [TrainingBatch], gateLossWeight: Float, options: OptimiserOptions,
    recomputes: Bool, dropout: DropoutMasks? = nil, memory: TrainingMemory,
    parallelism: Parallelism
  ) throws(KernelError) -> StepOutcome {
    try parallelism.withTeam { parallelism throws(KernelError) in
      try makeStep(
        step, batches, gateLossWeight, options, recomputes, dropout, memory, parallelism)
    }
  }

  private func makeStep(
    _ step: Int, _ batches: [TrainingBatch], _ gateLossWeight: Float, _ options: OptimiserOptions,
    _ recomputes: Bool, _ dropout: DropoutMasks?, _ memory: TrainingMemory,
    _ parallelism: Parallelism
  ) throws(KernelError) -> StepOutcome {
    let (losses, routing) = computeGradients(
      of: batches, gateLossWeight: gateLossWeight, recomputes: recomputes, dropout: dropout,
      memory: memory, parallelism: parallelism)
    let tensors = trained.tensors
    let norm = gradientNorm(tensors, parallelism: parallelism)
    let learningRate = options.schedule.learningRate(ofStep: step)
    let outcome = StepOutcome(
      losses: losses, norm: norm, learningRate: learningRate, routing: routing)
    guard outcome.isFinite else { return outcome }
    clipGradients(tensors, norm: norm, largest: options.maximumNorm, parallelism: parallelism)
    options.adamW.update(
      tensors, step: step + 1, learningRate: learningRate, parallelism: parallelism)
    try adoptTrainedValues(parallelism: parallelism)
    return outcome
  }
}

extension TrainableModel {
  /// Replaces the gradients by those of some batches together.
  @discardableResult
  package func computeGradients(
    of batches: [TrainingBatch], gateLossWeight: Float, recomputes: Bool,
    dropout: DropoutMasks? = nil, memory: TrainingMemory, parallelism: Parallelism
  ) -> (losses: Losses, routing: RoutingCounts) {
    parallelism.forEachRange(ofElements: trained.tensors) { tensor, range in
      (tensor.gradient + range.lowerBound).update(repeating: 0, count: range.count)
    }
    let scale = LossScale(of: batches, gates: gateCount, gateLossWeight: gateLossWeight)
    var totals = LossTotals()
    var routing = RoutingCounts(layers: llama.layers.count)
    var rows = 0
    for batch in batches {
      let outcome = parallelism.withTeam { parallelism in
        TrainingPass(
          batch, model: self, scale: scale, recomputes: recomputes, dropout: dropout,
          firstRow: rows, memory: memory, parallelism: parallelism
        ).run(totals)
      }
      rows += batch.rowCount
      totals = outcome.totals
      routing.add(outcome.routing)
    }
    for tensor in trained.tensors { tensor.clearFrozenGradient() }
    return (totals.losses(scale), routing)
  }
}

extension LossScale {
  /// That of a step of these batches.
  package init(of batches: [TrainingBatch], gates: Int, gateLossWeight: Float) {
    self.init(
      languageLabels: batches.reduce(0) { $0 + $1.languageLabels.count },
      gateLabels: batches.reduce(0) { $0 + $1.gateLabels.count } * gates,
      gateLossWeight: gateLossWeight)
  }
}
