import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATraining

/// What one of the kinds of training brings to a run.
struct TrainingTask {
  let kind: TrainingKind
  let model: TrainableModel
  let files: ModelFiles
  let folders: TaskFolders
  let encoder: SampleEncoder
  var gateLossWeight: Float = 0
  var loraDropout: Float = 0
  /// What decides the result, beside data, optimiser and files.
  var settings: [(key: String, value: JSONOutput)]
  /// Writes the result.
  let write: (TrainableModel, URL) throws -> Void
}

/// Trains: reads the data, goes through the steps, and writes what came of it.
struct TrainingSession {
  let data: TrainingDataOptions
  let optimiser: OptimiserSettings
  let options: TrainingRunOptions
  let console: Console

  init(_ arguments: ParsedArguments, _ kind: TrainingKind, console: Console) throws {
    data = try TrainingDataOptions(arguments, kind)
    optimiser = try OptimiserSettings(arguments, kind)
    options = try TrainingRunOptions(arguments)
    self.console = console
  }

  /// The groups of options that all kinds have, around those of one kind.
  static func groups(
    _ kind: TrainingKind, own: [OptionGroup], result: String
  ) -> [OptionGroup] {
    own + [TrainingDataOptions.group(kind), OptimiserSettings.group(kind)]
      + TrainingRunOptions.groups(result: result)
  }

  func run(_ task: TrainingTask) throws -> ExitCode {
    let progress = ProgressLine(on: console)
    progress.show("reading samples")
    let samples = try dataset(.train, of: task, choice: data.choice(seed: optimiser.seed))
    let heldOut = try heldOutBatches(of: task)
    let steps = try optimiser.steps(samples: samples.samples.count)
    guard let destination = options.destination else {
      progress.show("making one step")
      let trainer = try trainer(for: task, samples, steps: steps, from: TrainingProgress())
      let estimate = try TrainingEstimate(
        trainer, tasks: samples.tasks.count, steps: steps, parallelism: options.parallelism)
      progress.clear()
      try console.print(estimate.text)
      return .success
    }
    progress.show("looking at the files' content")
    let identity = try identity(of: task, steps: steps)
    let store = try CheckpointStore(destination.checkpoints, keeping: options.kept)
    let start = try startingPoint(of: task, in: store, identity)
    let log = try TrainingLog(
      destination.checkpoints.appendingPathComponent(TrainingRunOptions.logName),
      keepingUpTo: start.step)
    let run = TrainingRun(
      try trainer(for: task, samples, steps: steps, from: start),
      plan: .init(
        steps: steps, evaluationInterval: options.evaluationInterval,
        savingInterval: options.savingInterval),
      heldOut: heldOut, store: store, identity: identity, progress: start,
      parallelism: options.parallelism)
    progress.clear()
    let view = TrainingView(console, steps: steps, from: start.step, every: options.loggingInterval)
    return try console.interruption.gracefully {
      let isComplete = try run.run(shouldStop: { console.interruption.isRequested }) { event in
        try record(event, in: log, samples: samples.samples.count, run)
        view.show(event)
      }
      view.clear()
      guard isComplete else {
        console.report(
          run.progress.step == start.step
            ? "stopped before step \(start.step + 1)"
            : "stopped after step \(run.progress.step) of \(steps); --resume goes on from there")
        throw Interrupted()
      }
      try finish(run, task, view, to: destination.result)
      return .success
    }
  }

  // MARK: Data

  private func dataset(
    _ split: TrainingDataset.Split, of task: TrainingTask, choice: TrainingDataset.Choice
  ) throws -> TrainingDataset {
    let dataset: TrainingDataset
    do {
      dataset = try console.interruption.gracefully {
        try TrainingDataset(
          split, of: task.folders, encoder: task.encoder, choice: choice,
          isCancelled: { console.interruption.isRequested })
      }
    } catch TrainingDataError.cancelled {
      throw Interrupted()
    }
    for warning in dataset.warnings { console.report("\(split.rawValue).jsonl: \(warning)") }
    return dataset
  }

  private func heldOutBatches(of task: TrainingTask) throws -> [TrainingBatch] {
    guard options.evaluationInterval != nil else { return [] }
    let samples = try dataset(.test, of: task, choice: .first(options.evaluationSamples)).samples
    return stride(from: 0, to: samples.count, by: optimiser.batchSize).map { first in
      TrainingBatch(
        samples[first..<min(first + optimiser.batchSize, samples.count)],
        lossTokens: data.lossTokens)
    }
  }

  // MARK: The run

  private func trainer(
    for task: TrainingTask, _ samples: TrainingDataset, steps: Int,
    from progress: TrainingProgress
  ) throws -> Trainer {
    Trainer(
      task.model,
      batches: try BatchMaker(
        samples, batchSize: optimiser.batchSize, batchesPerStep: optimiser.batchesPerStep,
        lossTokens: data.lossTokens, seed: optimiser.seed, position: progress.samples),
      options: TrainerOptions(
        optimiser: optimiser.options(steps: steps), gateLossWeight: task.gateLossWeight,
        checkpointsGradients: options.checkpointsGradients, loraDropout: task.loraDropout,
        seed: optimiser.seed),
      step: progress.step, parallelism: options.parallelism)
  }

  private func identity(of task: TrainingTask, steps: Int) throws -> TrainingIdentity {
    var files = try TrainingIdentity.files(of: task.files)
    for folder in task.folders.tasks {
      let splits: [TrainingDataset.Split] =
        options.evaluationInterval == nil ? [.train] : [.train, .test]
      for split in splits {
        files.append(
          (
            "datasets/\(folder.name)/\(split.fileName)",
            folder.url.appendingPathComponent(split.fileName)
          ))
      }
    }
    return TrainingIdentity(
      settings: [("command", .string("train \(task.kind.rawValue)"))] + task.settings
        + data.settings(for: task.model.configuration) + optimiser.settings(steps: steps)
        + options.settings,
      fingerprints: try files.map { name, file in
        if console.interruption.isRequested { throw Interrupted() }
        return try .init(name, of: file)
      })
  }

  /// Where to go on from; the model has the weights of there then.
  private func startingPoint(
    of task: TrainingTask, in store: CheckpointStore, _ identity: TrainingIdentity
  ) throws -> TrainingProgress {
    guard options.resumes else {
      try store.requireNone()
      return TrainingProgress()
    }
    let latest = try store.latest()
    for error in latest.damaged { console.report("\(error); going on from an earlier one") }
    return try task.model.resume(
      from: latest.checkpoint, as: identity, parallelism: options.parallelism)
  }

  private func record(
    _ event: TrainingRun.Event, in log: TrainingLog, samples: Int, _ run: TrainingRun
  ) throws {
    switch event {
    case .step(let report):
      try log.write(report, epoch: Double(run.trainer.batches.position) / Double(samples))
    case .evaluation(let report): try log.write(report)
    case .checkpoint: break
    }
  }

  private func finish(
    _ run: TrainingRun, _ task: TrainingTask, _ view: TrainingView, to result: URL
  ) throws {
    let step = try run.takeBestWeights()
    try task.write(run.trainer.model, result)
    try console.print(
      "\(printable(result.path, limit: 1024)): \(view.description(of: run, weightsOf: step))\n")
    if let table = view.gateTable { try console.print("\n" + table) }
  }
}
