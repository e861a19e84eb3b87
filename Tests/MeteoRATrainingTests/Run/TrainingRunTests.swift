import Foundation
import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("A run of training")
struct TrainingRunTests {
  private static let steps = 12

  /// A run of a new model, or of one that goes on.
  private func run(
    in folder: URL, goesOn: Bool = false, threads: Int = 1, steps: Int = steps,
    learningRate: Double = 0.02
  ) throws -> TrainingRun {
    let example = try TrainingExample(.gatesAndAdapters)
    let parallelism = try Parallelism(threads: threads)
    let store = try CheckpointStore(folder, keeping: 2)
    store.isDurable = false
    let identity = try CheckpointExample.identity()
    let progress =
      goesOn
      ? try example.model.resume(
        from: store.latest().checkpoint, as: identity, parallelism: parallelism)
      : TrainingProgress()
    let samples = [[1, 2, 3, 4], [5, 6, 7], [8, 9, 1]].enumerated().map { index, ids in
      TrainingSample(
        ids: ids.map(Int32.init), promptCount: 2,
        gateRuns: [.init(tokens: 0..<ids.count, adapter: index)], fullCount: ids.count)
    }
    let trainer = Trainer(
      example.model,
      batches: try BatchMaker(
        TrainingDataset(samples: samples), batchSize: 2, seed: 1, position: progress.samples),
      options: TrainerOptions(
        optimiser: OptimiserOptions(
          adamW: AdamW(),
          schedule: LearningRateSchedule(
            shape: .constant, learningRate: learningRate, steps: steps), maximumNorm: 1),
        gateLossWeight: 1, loraDropout: 0.2, seed: 9),
      step: progress.step, parallelism: parallelism)
    return TrainingRun(
      trainer, plan: .init(steps: steps, evaluationInterval: 5, savingInterval: 4),
      heldOut: [TrainingBatch(samples[1...2], lossTokens: .all)], store: store, identity: identity,
      progress: progress, parallelism: parallelism)
  }

  private func bits(_ run: TrainingRun) -> [[UInt32]] {
    run.trainer.model.trained.tensors.flatMap { tensor in
      [tensor.array, tensor.firstMomentArray].map { $0.map(\.bitPattern) }
    }
  }

  @Test("evaluates, saves and ends when its plan says so")
  func followsThePlan() throws {
    let folder = try TemporaryFolder()
    var events: [String] = []
    let isComplete = try run(in: folder.url).run { event in
      switch event {
      case .step(let report): events.append("\(report.step)")
      case .evaluation(let report): events.append("e\(report.step)\(report.isBest ? "!" : "")")
      case .checkpoint(let step): events.append("s\(step)")
      }
    }
    #expect(isComplete)
    let improving = "1 2 3 4 s4 5 e5! s5 6 7 8 s8 9 10 e10! s10 11 12 e12! s12"
    #expect(events == improving.split(separator: " ").map(String.init))
    #expect(try folder.names() == ["checkpoint-000010", "checkpoint-000012"])
  }

  /// Trains up to a step; the folder belongs to nobody then.
  private func stop(at step: Int, in folder: URL) throws {
    let run = try run(in: folder)
    let isComplete = try run.run(
      shouldStop: { run.progress.step == step }, onEvent: { _ in })
    #expect(!isComplete)
    #expect(run.progress.step == step)
  }

  @Test(
    "that was stopped goes on to the same bits, with other threads too",
    arguments: [(0, 2), (1, 5), (5, 1), (7, 2), (11, 5)])
  func goesOn(stop: Int, threads: Int) throws {
    let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
    let uninterrupted = try run(in: whole.url)
    #expect(try uninterrupted.run { _ in })
    try self.stop(at: stop, in: parts.url)
    // Without a step there is nothing to go on from.
    try #expect((CheckpointName.all(in: parts.url).last?.step ?? 0) == stop)
    if stop == 0 { return }
    let second = try run(in: parts.url, goesOn: true, threads: threads)
    #expect(try second.run { _ in })
    #expect(bits(second) == bits(uninterrupted))
    #expect(second.progress == uninterrupted.progress)
    #expect(try second.takeBestWeights() == uninterrupted.takeBestWeights())
    #expect(bits(second) == bits(uninterrupted))
  }

  @Test("takes the weights with the lowest held-out loss")
  func takesTheBest() throws {
    let folder = try TemporaryFolder()
    // So fast that it soon gets worse.
    let run = try run(in: folder.url, learningRate: 3)
    var best: (step: Int, bits: [[UInt32]])?
    var last = Double.infinity
    #expect(
      try run.run { event in
        guard case .evaluation(let report) = event else { return }
        if report.isBest { best = (report.step, bits(run)) }
        last = Double(report.losses.total)
      })
    let expected = try #require(best)
    #expect(expected.step < Self.steps)
    #expect(last > (try #require(run.progress.best).loss))
    #expect(bits(run) != expected.bits)
    #expect(try run.takeBestWeights() == expected.step)
    #expect(bits(run) == expected.bits)
  }
}
