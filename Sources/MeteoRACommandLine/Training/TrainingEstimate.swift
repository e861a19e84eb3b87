import Foundation
import MeteoRAKernels
import MeteoRATraining

/// What training would take, measured on its first step.
struct TrainingEstimate {
  private let trainer: Trainer
  private let tasks: Int
  private let steps: Int
  private let report: TrainingReport
  private let peakByteCount: Int
  private let threads: Int

  /// Makes a step, whose weights nobody keeps.
  init(_ trainer: Trainer, tasks: Int, steps: Int, parallelism: Parallelism) throws {
    report = try trainer.makeStep()
    peakByteCount = Self.peakMemory()
    self.trainer = trainer
    self.tasks = tasks
    self.steps = steps
    threads = parallelism.threads
  }

  private static func peakMemory() -> Int {
    var usage = rusage()
    #if canImport(Darwin)
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      // The C library's header has an enumeration where the function takes a number.
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #endif
  }

  var text: String {
    let tensors = trainer.model.trained.tensors
    let weights = tensors.reduce(0) { $0 + $1.count - $1.frozenCount }
    let held = tensors.reduce(0) { $0 + $1.count }
    let samples = trainer.batches.dataset.samples
    let tokens = samples.reduce(0) { $0 + $1.ids.count }
    let perStep = trainer.batches.batchSize * trainer.batches.batchesPerStep
    let epochs = Double(steps * perStep) / Double(samples.count)
    let lines = [
      ("trained", "\(weights) weights in \(tensors.count) tensors"),
      (
        "data",
        "\(samples.count) samples of \(tasks) task\(tasks == 1 ? "" : "s"), \(tokens) tokens, the "
          + "longest sample \(samples.map(\.ids.count).max() ?? 0)"
      ),
      (
        "steps",
        "\(steps) of \(perStep) sample\(perStep == 1 ? "" : "s"): "
          + "\(TrainingView.decimals(epochs, 2)) epochs"
      ),
      (
        "time",
        "\(TrainingView.decimals(report.seconds, 3)) s for the first step (\(report.tokens) tokens) "
          + "on \(threads) thread\(threads == 1 ? "" : "s"): about "
          + TrainingView.duration(report.seconds * Double(steps))
      ),
      ("memory", "\(Self.megabytes(peakByteCount)) MB at the peak of the first step"),
      ("checkpoint", "\(Self.megabytes(3 * held * MemoryLayout<Float>.size)) MB each"),
    ]
    return lines.map { name, text in
      name + String(repeating: " ", count: 12 - name.utf8.count) + text + "\n"
    }.joined()
  }

  private static func megabytes(_ count: Int) -> String {
    TrainingView.decimals(Double(count) / 1e6, 1)
  }
}
