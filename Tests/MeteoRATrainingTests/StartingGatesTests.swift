import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Gates to begin with")
struct StartingGatesTests {
  private let files: ModelFiles
  private let parts: ModelParts

  init() throws {
    files = try ResultExample.demoFiles()
    parts = try ModelParts(files, parallelism: .serial)
  }

  /// The gates of the demo without their last rows, as a file.
  private func write(rows: Int, to folder: TemporaryFolder) throws -> URL {
    var fewer = files
    fewer.adapters = Array(files.adapters.prefix(rows))
    fewer.gates = .absent
    let model = try TrainableModel(
      trainingGatesOf: ModelParts(fewer, parallelism: .serial),
      from: StartingGates(of: ModelParts(fewer, parallelism: .serial), seed: 5),
      trainsAdapters: false, router: RouterConfiguration(topK: 1))
    let file = folder.url.appendingPathComponent("gates.safetensors")
    try model.writeGates(to: file, as: .float32)
    return file
  }

  @Test("are those that were trained, if there are some for all adapters")
  func areTrained() throws {
    let trained = try #require(parts.gates)
    let gates = try StartingGates(of: parts, seed: 1, trained: trained)
    for (layer, row) in gates.weights.enumerated() {
      for (module, gate) in row.enumerated() {
        #expect(gate?.floats == trained.weights[layer][module]?.floats)
        #expect(gates.trainedRows[layer][module] == (gate == nil ? 0 : parts.adapters.count))
      }
    }
  }

  @Test("have new rows for adapters behind those that were trained; only these are trained")
  func keepsRows() throws {
    let folder = try TemporaryFolder()
    let file = try write(rows: 3, to: folder)
    let (trained, rows) = try Gates.ofFirst(
      parts.adapters, contentsOf: file, base: parts.base.configuration)
    #expect(rows == 3)
    let gates = try StartingGates(of: parts, seed: 1, trained: trained)
    let model = try TrainableModel(
      trainingGatesOf: parts, from: gates, keepsTrainedRows: true, trainsAdapters: false,
      router: files.router)
    let before = model.trained.tensors.map(\.array)
    let labels = (0..<6).map { LabelledRow(row: $0, label: $0 % 5) }
    let batch = TrainingBatch(
      sequences: [[1, 2, 3, 4, 5, 6, 7]], languageLabels: labels, gateLabels: labels)
    for step in 0..<2 {
      let outcome = try model.makeStep(
        step, batches: [batch], gateLossWeight: 1,
        options: OptimiserOptions(
          adamW: AdamW(weightDecay: 0.1),
          schedule: LearningRateSchedule(shape: .constant, learningRate: 0.1, steps: 2),
          maximumNorm: 1),
        recomputes: false, memory: TrainingMemory(), parallelism: .serial)
      #expect(outcome.norm > 0)
    }
    for (tensor, old) in zip(model.trained.tensors, before) {
      let width = tensor.shape[1]
      #expect(tensor.frozenCount == 3 * width)
      let now = tensor.array
      #expect(now[..<(3 * width)] == old[..<(3 * width)])
      #expect(zip(now[(3 * width)...], old[(3 * width)...]).allSatisfy { $0 != $1 })
      #expect(tensor.gradientArray[..<(3 * width)].allSatisfy { $0 == 0 })
    }
  }

  @Test("of more adapters than there are are refused")
  func refuses() throws {
    let folder = try TemporaryFolder()
    let file = try write(rows: 5, to: folder)
    let error = #expect(throws: MeteoRAError.self) {
      _ = try Gates.ofFirst(
        Array(parts.adapters.prefix(4)), contentsOf: file, base: parts.base.configuration)
    }
    #expect(error?.description.contains("5 rows, expected at most one for each of the 4") == true)
  }
}
