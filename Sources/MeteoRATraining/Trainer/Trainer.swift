import Foundation
import MeteoRA
import MeteoRAKernels

/// What training does with a model, whatever it is that is trained.
package struct TrainerOptions: Sendable, Equatable {
  package var optimiser: OptimiserOptions
  /// β.
  package var gateLossWeight: Float
  /// Whether activations are computed again in the backward pass instead of kept.
  package var checkpointsGradients: Bool
  /// The share of an adapter's inputs that are left out at random, 0 up to below 1.
  package var loraDropout: Float
  /// Of dropout.
  package var seed: UInt64

  package init(
    optimiser: OptimiserOptions, gateLossWeight: Float, checkpointsGradients: Bool = false,
    loraDropout: Float = 0, seed: UInt64 = 0
  ) {
    self.loraDropout = loraDropout
    self.seed = seed
    self.optimiser = optimiser
    self.gateLossWeight = gateLossWeight
    self.checkpointsGradients = checkpointsGradients
  }
}

/// What one step of training came to.
package struct TrainingReport: Sendable {
  /// Counted from 1.
  package var step: Int
  package var losses: Losses
  /// Of the gradients, before they were clipped.
  package var norm: Float
  package var learningRate: Double
  package var routing: RoutingCounts
  /// Tokens that went through the model.
  package var tokens: Int
  package var seconds: Double
}

/// Trains a model step by step. A step depends on the weights, the moments, the number of steps
/// before it and the position in the data, and on nothing else: what a checkpoint holds.
package final class Trainer {
  package let model: TrainableModel
  package private(set) var batches: BatchMaker
  package let options: TrainerOptions
  /// Steps that were made.
  package private(set) var step: Int
  private let memory = TrainingMemory()
  private let parallelism: Parallelism

  /// - Parameters:
  ///   - batches: At the position from which to go on.
  ///   - step: Steps that were made before.
  package init(
    _ model: TrainableModel, batches: BatchMaker, options: TrainerOptions, step: Int = 0,
    parallelism: Parallelism
  ) {
    self.model = model
    self.batches = batches
    self.options = options
    self.step = step
    self.parallelism = parallelism
  }

  /// Makes the next step.
  ///
  /// - Throws: ``TrainingError/notFinite(step:where:)``; weights and moments then are those of the
  ///   step before.
  package func makeStep() throws(TrainingError) -> TrainingReport {
    let start = ContinuousClock.now
    let batches = batches.nextStep()
    let outcome: StepOutcome
    do throws(KernelError) {
      outcome = try model.makeStep(
        step, batches: batches, gateLossWeight: options.gateLossWeight,
        options: options.optimiser, recomputes: options.checkpointsGradients, dropout: dropout,
        memory: memory, parallelism: parallelism)
    } catch {
      throw .kernel(error)
    }
    guard outcome.isFinite else {
      throw .notFinite(step: step + 1, where: firstNonFinite(in: batches, outcome))
    }
    step += 1
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    return TrainingReport(
      step: step, losses: outcome.losses, norm: outcome.norm, learningRate: outcome.learningRate,
      routing: outcome.routing, tokens: batches.reduce(0) { $0 + $1.rowCount }, seconds: elapsed)
  }

  /// The masks of the next step.
  private var dropout: DropoutMasks? {
    options.loraDropout == 0
      ? nil : DropoutMasks(probability: options.loraDropout, seed: options.seed, step: step)
  }

  /// The losses of other batches, and how their tokens are routed.
  package func evaluate(_ batches: [TrainingBatch]) -> (losses: Losses, routing: RoutingCounts) {
    let scale = LossScale(
      of: batches, gates: model.gateCount, gateLossWeight: options.gateLossWeight)
    var totals = LossTotals()
    var routing = RoutingCounts(layers: model.llama.layers.count)
    for batch in batches {
      let outcome = parallelism.withTeam { parallelism in
        TrainingPass(
          batch, model: model, scale: scale, recomputes: true, memory: memory,
          parallelism: parallelism
        ).evaluate(totals)
      }
      totals = outcome.totals
      routing.add(outcome.routing)
    }
    return (totals.losses(scale), routing)
  }

  /// Where something that is not finite appeared first: a weight, an activation in the order of the
  /// forward pass, a loss, a gradient.
  private func firstNonFinite(in batches: [TrainingBatch], _ outcome: StepOutcome) -> String {
    for tensor in model.trained.tensors where !tensor.array.allSatisfy(\.isFinite) {
      return "the weights \(tensor.name)"
    }
    let scale = LossScale(
      of: batches, gates: model.gateCount, gateLossWeight: options.gateLossWeight)
    for batch in batches {
      let pass = TrainingPass(
        batch, model: model, scale: scale, recomputes: false, memory: memory,
        parallelism: parallelism)
      if let place = pass.firstNonFiniteActivation() { return "the activations \(place)" }
    }
    if !outcome.losses.language.isFinite { return "the loss of the language model" }
    if !outcome.losses.total.isFinite { return "the loss of the gates" }
    for tensor in model.trained.tensors where !tensor.gradientArray.allSatisfy(\.isFinite) {
      return "the gradient of \(tensor.name)"
    }
    return "the norm of the gradients"
  }
}
