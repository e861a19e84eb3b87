/// Puts the samples of a data set into batches, endlessly.
///
/// An optimiser step takes the next `batchSize · batchesPerStep` samples of a ``SampleOrder``. Where
/// an epoch ends in the middle of a step, the rest comes from the next one, so that all steps have
/// as many samples.
package struct BatchMaker: Sendable {
  package let dataset: TrainingDataset
  /// Samples that go through the model together.
  package let batchSize: Int
  /// Batches whose gradients are added.
  package let batchesPerStep: Int
  package let lossTokens: LanguageLossTokens
  private var order: SampleOrder

  /// As many samples as a step can have.
  package static let largestStep = 1 << 20

  /// - Parameters:
  ///   - position: The ``position`` from which to go on.
  /// - Throws: ``TrainingDataError/setting(_:found:expected:)``.
  package init(
    _ dataset: TrainingDataset, batchSize: Int, batchesPerStep: Int = 1,
    lossTokens: LanguageLossTokens = .all, seed: UInt64, position: Int = 0
  ) throws(TrainingDataError) {
    let sizes = 1...Self.largestStep
    guard sizes.contains(batchSize) else {
      throw .setting("the number of samples of a batch", found: batchSize, expected: sizes)
    }
    let numbers = 1...Self.largestStep / batchSize
    guard numbers.contains(batchesPerStep) else {
      throw .setting("the number of batches of a step", found: batchesPerStep, expected: numbers)
    }
    self.dataset = dataset
    self.batchSize = batchSize
    self.batchesPerStep = batchesPerStep
    self.lossTokens = lossTokens
    order = try SampleOrder(count: dataset.samples.count, seed: seed, position: position)
  }

  /// The number of samples taken so far: all that has to be kept to go on.
  package var position: Int { order.position }
  /// The number of times that all samples were taken.
  package var epoch: Int { order.epoch }
  /// The number of steps that take as many samples as there are, rounded up.
  package var stepsPerEpoch: Int {
    let step = batchSize * batchesPerStep
    return (dataset.samples.count + step - 1) / step
  }

  /// The batches of the next optimiser step.
  package mutating func nextStep() -> [TrainingBatch] {
    (0..<batchesPerStep).map { _ in
      let samples = (0..<batchSize).map { _ in dataset.samples[order.next()] }
      return TrainingBatch(samples, lossTokens: lossTokens)
    }
  }
}
