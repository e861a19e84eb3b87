import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath
import MeteoRATraining

/// Times optimiser steps of one model, in a process that did nothing else before: so is the peak of
/// the memory its own.
struct TrainingMeasurement {
  private let trainingCase: TrainingCase
  private let options: BenchmarkOptions

  init(named name: String, _ options: BenchmarkOptions) throws {
    guard let trainingCase = TrainingCase.all.first(where: { $0.name == name }) else {
      throw ModelFolderError.noSuchCase(name)
    }
    self.trainingCase = trainingCase
    self.options = options
  }

  func run() throws {
    var files = ModelFolder(modelCase: trainingCase.modelCase).files
    files.adapters = Array(files.adapters.prefix(TrainingCase.adapterCount))
    files.gates = .absent
    let parts = try ModelParts(files, parallelism: options.parallelism)
    let model = try TrainableModel(
      trainingGatesOf: parts, from: try StartingGates(of: parts, seed: 7),
      trainsAdapters: trainingCase.trainsAdapters,
      router: RouterConfiguration(topK: 2, temperature: 1))
    let memory = TrainingMemory()
    let batch = trainingCase.batch(vocabulary: model.configuration.vocabularySize)
    let optimiser = OptimiserOptions(
      adamW: AdamW(),
      schedule: LearningRateSchedule(shape: .constant, learningRate: 1e-5, steps: 1000),
      maximumNorm: 1)
    try requireRightBits(model, batch, memory)
    var step = 0
    let timing = try Timing(options.budget) {
      _ = try model.makeStep(
        step, batches: [batch], gateLossWeight: 50, options: optimiser, recomputes: false,
        memory: memory, parallelism: options.parallelism)
      step += 1
    }
    var row = ResultRow(
      trainingCase.name, threads: options.parallelism.threads, timing: timing, bits: "equal")
    row.tokensPerSecond = Double(batch.rowCount) / timing.median
    row.peakMegabytes = ProcessMemory.peak.map { Double($0) / 1e6 }
    try Output(isJSON: true).write(row, as: "")
  }

  /// Throws unless one thread that computes activations again has the same losses and gradients.
  private func requireRightBits(
    _ model: TrainableModel, _ batch: TrainingBatch, _ memory: TrainingMemory
  ) throws {
    func gradients(_ recomputes: Bool, _ parallelism: Parallelism) -> (Losses, [[Float]]) {
      let losses = model.computeGradients(
        of: [batch], gateLossWeight: 50, recomputes: recomputes, memory: memory,
        parallelism: parallelism
      ).losses
      return (losses, model.trained.tensors.map(\.gradientArray))
    }
    let (losses, values) = gradients(false, options.parallelism)
    let (otherLosses, otherValues) = gradients(true, .serial)
    let isEqual = zip(values, otherValues).allSatisfy {
      BitEquality.firstDifference($0, $1) == nil
    }
    if losses != otherLosses || !isEqual { throw BenchmarkError.bitsDiffer(trainingCase.name) }
  }
}
