import MeteoRAKernels
import Testing

@testable import MeteoRATraining

@Suite("Training")
struct TrainerTests {
  private func trainer(
    _ example: TrainingExample, learningRate: Double, threads: Int = 1, recomputes: Bool = false,
    dropout: Float = 0
  ) throws -> Trainer {
    let samples = [[1, 2, 3, 4], [5, 6, 7], [8, 9, 1]].enumerated().map { index, ids in
      TrainingSample(
        ids: ids.map(Int32.init), promptCount: 2,
        gateRuns: [.init(tokens: 0..<ids.count, adapter: index)], fullCount: ids.count)
    }
    return Trainer(
      example.model,
      batches: try BatchMaker(TrainingDataset(samples: samples), batchSize: 2, seed: 1),
      options: TrainerOptions(
        optimiser: OptimiserOptions(
          adamW: AdamW(),
          schedule: LearningRateSchedule(shape: .constant, learningRate: learningRate, steps: 40),
          maximumNorm: 1), gateLossWeight: 1, checkpointsGradients: recomputes,
        loraDropout: dropout, seed: 9),
      parallelism: try Parallelism(threads: threads))
  }

  @Test("lowers the loss of what it sees", arguments: TrainingExample.Part.allCases)
  func learns(_ part: TrainingExample.Part) throws {
    let trainer = try trainer(TrainingExample(part), learningRate: 0.03)
    let first = try trainer.makeStep()
    var last = first
    for _ in 1..<40 { last = try trainer.makeStep() }
    #expect(last.step == 40)
    // Gates alone cannot do much about the next token.
    #expect(last.losses.total < (part == .gates ? 0.8 : 0.7) * first.losses.total)
    if part != .base {
      let accuracy = try #require(last.routing.total.all.accuracy)
      #expect(accuracy > 0.7)
    }
  }

  @Test(
    "has the same bits with other threads and with activations computed again", arguments: [0, 0.3])
  func isReproducible(_ dropout: Float) throws {
    let first = try trainer(TrainingExample(.everything), learningRate: 0.01, dropout: dropout)
    let second = try trainer(
      TrainingExample(.everything), learningRate: 0.01, threads: 5, recomputes: true,
      dropout: dropout)
    for _ in 0..<5 { #expect(try first.makeStep().losses == second.makeStep().losses) }
    for (a, b) in zip(first.model.trained.tensors, second.model.trained.tensors) {
      #expect(a.array == b.array)
    }
  }

  @Test(
    "comes to the same gradients but for rounding, in one batch or in several",
    arguments: TrainingExample.Part.allCases)
  func accumulates(_ part: TrainingExample.Part) throws {
    let samples = (0..<8).map { index in
      let ids = (0..<(20 + 7 * index)).map { Int32(($0 * 5 + index * 11) % 10 + 1) }
      return TrainingSample(
        ids: ids, promptCount: 2, gateRuns: [.init(tokens: 0..<ids.count, adapter: index % 3)],
        fullCount: ids.count)
    }
    let gradients = try [(8, 1), (4, 2), (1, 8)].map { size, count in
      let example = try TrainingExample(part)
      var batches = try BatchMaker(
        TrainingDataset(samples: samples), batchSize: size, batchesPerStep: count, seed: 4)
      let (losses, _) = example.model.computeGradients(
        of: batches.nextStep(), gateLossWeight: 0.5, recomputes: false, memory: TrainingMemory(),
        parallelism: .serial)
      return (losses.total, example.model.trained.tensors.map(\.gradientArray))
    }
    for (loss, tensors) in gradients.dropFirst() {
      #expect(abs(loss - gradients[0].0) <= 1e-6 * abs(loss))
      for (a, b) in zip(tensors, gradients[0].1) {
        let difference = zip(a, b).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = b.reduce(Float(0)) { $0 + $1 * $1 }
        #expect(difference <= 1e-10 * size)
      }
    }
  }

  @Test("stops where numbers are not finite, says where, and keeps the weights")
  func stops() throws {
    let example = try TrainingExample(.gates)
    let trainer = try trainer(example, learningRate: 0.01)
    _ = try trainer.makeStep()
    let tensor = example.model.trained.tensors[3]
    tensor.values[5] = .nan
    try example.model.adoptTrainedValues(parallelism: .serial)
    let others = example.model.trained.tensors.filter { $0 !== tensor }.map(\.array)
    let error = #expect(throws: TrainingError.self) { try trainer.makeStep() }
    #expect(error?.description.contains("step 2: the weights \(tensor.name)") == true)
    #expect(others == example.model.trained.tensors.filter { $0 !== tensor }.map(\.array))
  }
}
