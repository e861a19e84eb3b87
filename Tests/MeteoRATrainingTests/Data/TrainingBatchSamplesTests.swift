import MeteoRAKernels
import Testing

@testable import MeteoRATraining

@Suite("Batches of samples")
struct TrainingBatchSamplesTests {
  private func sample(
    _ ids: [Int32], promptCount: Int, _ runs: (Range<Int>, Int)...
  ) -> TrainingSample {
    TrainingSample(
      ids: ids, promptCount: promptCount,
      gateRuns: runs.map { TrainingSample.GateRun(tokens: $0.0, adapter: $0.1) },
      fullCount: ids.count)
  }

  private func rows(_ labels: (Int, Int)...) -> [LabelledRow] {
    labels.map { LabelledRow(row: $0.0, label: $0.1) }
  }

  @Test("a row is labelled with the token behind it and its adapter, the last of a sequence is not")
  func labelsRows() {
    let samples = [
      sample([10, 11, 12], promptCount: 2, (0..<3, 5)),
      sample([20, 21], promptCount: 1, (0..<1, 6), (1..<2, 7)),
      sample([30, 31, 32, 33], promptCount: 3, (2..<3, 8)),
    ]
    let all = TrainingBatch(samples, lossTokens: .all)
    #expect(all.sequences == [[10, 11, 12], [20, 21], [30, 31, 32, 33]])
    #expect(all.rowCount == 9)
    #expect(
      all.languageLabels == rows((0, 11), (1, 12), (3, 21), (5, 31), (6, 32), (7, 33)))
    #expect(all.gateLabels == rows((0, 5), (1, 5), (3, 7), (6, 8)))
    let responses = TrainingBatch(samples, lossTokens: .responses)
    #expect(responses.languageLabels == rows((1, 12), (3, 21), (7, 33)))
    #expect(responses.gateLabels == all.gateLabels)
    #expect(responses.sequences == all.sequences)
  }

  @Test("a sample may have no prompt, no response, or neither label")
  func takesEdges() {
    let noPrompt = TrainingBatch([sample([1, 2, 3], promptCount: 0)], lossTokens: .responses)
    #expect(noPrompt.languageLabels == rows((0, 2), (1, 3)))
    #expect(noPrompt.gateLabels.isEmpty)
    let noResponse = TrainingBatch(
      [sample([1, 2], promptCount: 2, (0..<2, 0))], lossTokens: .responses)
    #expect(noResponse.languageLabels.isEmpty)
    #expect(noResponse.gateLabels == rows((0, 0)))
    #expect(TrainingBatch([TrainingSample](), lossTokens: .all).rowCount == 0)
  }
}
