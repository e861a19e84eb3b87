import MeteoRA
import MeteoRAKernels

/// A whole training: steps, evaluations on held-out data, checkpoints.
///
/// What it does at a step depends on the step alone, and what it has come to on what a checkpoint
/// holds, so that a run that was stopped and goes on ends with the same bits.
package final class TrainingRun {
  /// When what is done.
  package struct Plan: Sendable, Equatable {
    /// Steps of the whole run.
    package var steps: Int
    /// An evaluation follows every so many steps, and the last; `nil` for none.
    package var evaluationInterval: Int?
    /// A checkpoint follows every so many steps; `nil` for none but those that are asked for, and
    /// those of the best evaluations.
    package var savingInterval: Int?

    package init(steps: Int, evaluationInterval: Int? = nil, savingInterval: Int? = nil) {
      self.steps = steps
      self.evaluationInterval = evaluationInterval
      self.savingInterval = savingInterval
    }
  }

  /// What happens on the way.
  package enum Event {
    case step(TrainingReport)
    case evaluation(HeldOutReport)
    case checkpoint(step: Int)
  }

  package let trainer: Trainer
  package let plan: Plan
  package private(set) var progress: TrainingProgress
  private let heldOut: [TrainingBatch]
  private let store: CheckpointStore
  private let identity: TrainingIdentity
  private let parallelism: Parallelism

  /// - Parameters:
  ///   - trainer: At the step and position of `progress`.
  ///   - heldOut: What evaluations see; not empty if there are to be any.
  ///   - progress: Of the checkpoint from which to go on.
  package init(
    _ trainer: Trainer, plan: Plan, heldOut: [TrainingBatch], store: CheckpointStore,
    identity: TrainingIdentity, progress: TrainingProgress = TrainingProgress(),
    parallelism: Parallelism
  ) {
    self.trainer = trainer
    self.plan = plan
    self.heldOut = heldOut
    self.store = store
    self.identity = identity
    self.progress = progress
    self.parallelism = parallelism
  }

  /// Makes the steps that are left.
  ///
  /// - Parameters:
  ///   - shouldStop: Asked before every step. What was done since the last checkpoint is saved then.
  ///   - onEvent: Told of everything, in order.
  /// - Returns: Whether all steps were made.
  /// - Throws: ``TrainingError``, ``CheckpointError``, and what `onEvent` throws. The checkpoints
  ///   that there are stay.
  package func run(
    shouldStop: () -> Bool = { false }, onEvent: (Event) throws -> Void
  ) throws -> Bool {
    var savedStep = progress.step
    while progress.step < plan.steps {
      if shouldStop() {
        if progress.step > savedStep { try save(onEvent) }
        return false
      }
      let report = try trainer.makeStep()
      progress.step = report.step
      progress.samples = trainer.batches.position
      try onEvent(.step(report))
      let isBest = try evaluateIfDue(onEvent)
      if isBest || isDue(plan.savingInterval) {
        try save(onEvent)
        savedStep = progress.step
      }
    }
    return true
  }

  private func isDue(_ interval: Int?) -> Bool {
    guard let interval else { return false }
    return progress.step.isMultiple(of: interval)
  }

  /// - Returns: Whether no earlier evaluation was better.
  private func evaluateIfDue(_ onEvent: (Event) throws -> Void) throws -> Bool {
    guard let interval = plan.evaluationInterval,
      progress.step == plan.steps || progress.step.isMultiple(of: interval)
    else { return false }
    let (losses, routing) = trainer.evaluate(heldOut)
    let loss = Double(losses.total)
    let isBest = loss.isFinite && progress.best.map { loss < $0.loss } ?? true
    if isBest { progress.best = .init(step: progress.step, loss: loss) }
    try onEvent(
      .evaluation(
        HeldOutReport(step: progress.step, losses: losses, routing: routing, isBest: isBest)))
    return isBest
  }

  private func save(_ onEvent: (Event) throws -> Void) throws {
    try store.write(trainer.model.trained.tensors, progress: progress, identity: identity)
    try onEvent(.checkpoint(step: progress.step))
  }

  /// Gives the model the weights of the best evaluation, if there was one before the last step.
  ///
  /// - Returns: The step of the weights that the model has now.
  /// - Throws: ``CheckpointError`` if they cannot be read.
  package func takeBestWeights() throws(CheckpointError) -> Int {
    guard let best = progress.best, best.step != progress.step else { return progress.step }
    let checkpoint = try store.checkpoint(ofStep: best.step)
    _ = try trainer.model.resume(from: checkpoint, as: identity, parallelism: parallelism)
    return best.step
  }
}

/// What an evaluation on held-out data came to.
package struct HeldOutReport: Sendable {
  /// Steps made before it.
  package var step: Int
  package var losses: Losses
  package var routing: RoutingCounts
  /// Whether the loss is lower than in all evaluations before.
  package var isBest: Bool
}
