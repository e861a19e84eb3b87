import Testing

@testable import MeteoRATraining

@Suite("Batches of a data set")
struct BatchMakerTests {
  @Test("a step takes its samples in the order, and goes on in the next epoch")
  func makesSteps() throws {
    let dataset = try TrainingDatasetTests.Example().dataset()
    var batches = try BatchMaker(dataset, batchSize: 2, batchesPerStep: 2, seed: 5)
    var order = try SampleOrder(count: 9, seed: 5)
    #expect(batches.stepsPerEpoch == 3)
    for step in 1...9 {
      let made = batches.nextStep()
      #expect(made.map(\.sequences.count) == [2, 2])
      for batch in made {
        let samples = (0..<2).map { _ in dataset.samples[order.next()] }
        let expected = TrainingBatch(samples, lossTokens: .all)
        #expect(batch.sequences == expected.sequences)
        #expect(batch.languageLabels == expected.languageLabels)
        #expect(batch.gateLabels == expected.gateLabels)
      }
      #expect(batches.position == 4 * step)
      #expect(batches.epoch == 4 * step / 9)
    }
  }

  @Test("it goes on from a saved position", arguments: [1, 3, 8, 9, 10, 40])
  func resumes(position: Int) throws {
    let dataset = try TrainingDatasetTests.Example().dataset()
    var whole = try BatchMaker(dataset, batchSize: 1, seed: 5)
    for _ in 0..<position { _ = whole.nextStep() }
    #expect(whole.position == position)
    var rest = try BatchMaker(dataset, batchSize: 1, seed: 5, position: position)
    for _ in 0..<20 {
      #expect(rest.nextStep().map(\.sequences) == whole.nextStep().map(\.sequences))
    }
  }

  @Test("the loss of responses alone reaches every batch")
  func passesLossTokens() throws {
    let dataset = try TrainingDatasetTests.Example().dataset()
    var all = try BatchMaker(dataset, batchSize: 9, seed: 0)
    var responses = try BatchMaker(dataset, batchSize: 9, lossTokens: .responses, seed: 0)
    #expect(all.nextStep()[0].languageLabels.count == 24)
    // One label less of the composite, whose prompt has two tokens.
    #expect(responses.nextStep()[0].languageLabels.count == 23)
  }

  @Test("a step may be larger than the data set")
  func exceedsDataset() throws {
    let dataset = try TrainingDatasetTests.Example().dataset()
    var batches = try BatchMaker(dataset, batchSize: 20, seed: 0)
    #expect(batches.stepsPerEpoch == 1)
    #expect(batches.nextStep()[0].sequences.count == 20)
    #expect(batches.epoch == 2)
  }

  @Test("sizes and positions out of range are errors")
  func refusesSettings() throws {
    let dataset = try TrainingDatasetTests.Example().dataset()
    for (size, number, position) in [
      (0, 1, 0), (-1, 1, 0), (1, 0, 0), (.max, 1, 0), (1, .max, 0), (1 << 20, 2, 0), (1, 1, -1),
      (1, 1, .max),
    ] {
      #expect(throws: TrainingDataError.self) {
        try BatchMaker(
          dataset, batchSize: size, batchesPerStep: number, seed: 0, position: position)
      }
    }
    let error = #expect(throws: TrainingDataError.self) {
      try BatchMaker(dataset, batchSize: 1 << 20, batchesPerStep: 2, seed: 0)
    }
    #expect(error?.description == "the number of batches of a step is 2, expected 1 to 1")
  }
}
