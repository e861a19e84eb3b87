import Foundation
import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATestSupport

@testable import MeteoRATraining

/// A tiny model in training, and the identity of that training.
struct CheckpointExample {
  let example: TrainingExample
  private let memory = TrainingMemory()

  init(_ part: TrainingExample.Part = .gatesAndAdapters) throws {
    example = try TrainingExample(part)
  }

  var tensors: [TrainedTensor] { example.model.trained.tensors }

  /// Makes steps with moments of all kinds.
  func train(_ steps: Range<Int>, threads: Int = 1) throws {
    let options = OptimiserOptions(
      adamW: AdamW(weightDecay: 0.01),
      schedule: LearningRateSchedule(shape: .cosine, learningRate: 1e-2, steps: 10),
      maximumNorm: 1)
    for step in steps {
      _ = try example.model.makeStep(
        step, batches: example.batches, gateLossWeight: 0.5, options: options, recomputes: false,
        memory: memory, parallelism: try Parallelism(threads: threads))
    }
  }

  /// All values and moments.
  var bits: [[UInt32]] {
    tensors.flatMap { [$0.array, $0.firstMomentArray, $0.secondMomentArray] }
      .map { $0.map(\.bitPattern) }
  }

  static let settings: [(key: String, value: JSONOutput)] = [
    ("learning_rate", .number(0.001)), ("seed", .integer(7)),
    ("schedule", .object([("shape", .string("cosine")), ("warmup_ratio", .number(0.1))])),
    ("modules", .array([.string("q_proj"), .string("v_proj")])), ("append_eos", .bool(true)),
    ("gate_loss", .null),
  ]

  /// With the fingerprints of files of these names and contents.
  static func identity(
    _ files: [(name: String, content: String)] = [("base/model.safetensors", "abc")],
    settings: [(key: String, value: JSONOutput)] = settings
  ) throws -> TrainingIdentity {
    let folder = try TemporaryFolder()
    return TrainingIdentity(
      settings: settings,
      fingerprints: try files.map { name, content in
        try .init(name, of: folder.write(content, to: "files/\(name)"))
      })
  }

  /// Writes a checkpoint.
  @discardableResult
  func write(
    step: Int, best: TrainingProgress.Evaluation? = nil, to store: CheckpointStore
  ) throws -> URL {
    try store.write(
      tensors, progress: TrainingProgress(step: step, samples: 8 * step, best: best),
      identity: Self.identity())
  }
}

/// The error of a body that throws no other.
func checkpointError(_ body: () throws -> Void) -> CheckpointError? {
  do {
    try body()
    return nil
  } catch {
    return error as? CheckpointError
  }
}
