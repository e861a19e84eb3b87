import Foundation
import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATraining

/// The options that say what comes of training, and what is seen of it on the way.
struct TrainingRunOptions {
  private static func output(_ result: String) -> OptionDeclaration {
    OptionDeclaration(
      "output", "D", "\(result). It is there complete, at the end, or not at all. Required.")
  }
  private static let type = OptionDeclaration(
    "output-type", "T", "f32 or bf16: the type of the weights that are written. (default: f32)")
  private static let checkpoints = OptionDeclaration(
    "checkpoints", "D",
    "A folder for checkpoints and log.jsonl. (default: the output's path and '.training')")
  private static let saveSteps = OptionDeclaration(
    "save-steps", "N",
    "A checkpoint follows every N steps; 0 for none but the best and that of an interruption. "
      + "(default: 500)")
  private static let keep = OptionDeclaration(
    "keep", "K",
    "Checkpoints that stay: the newest, the best, then later ones. (default: 2)")
  private static let resume = OptionDeclaration(
    flag: "resume",
    "Goes on from the last checkpoint, with the same data and options; threads, paths and what is "
      + "shown or saved may change. The result is the same to the bit.")
  private static let evalSteps = OptionDeclaration(
    "eval-steps", "N",
    "Every N steps and at the end the loss of held-out data is computed; the weights with the "
      + "lowest are the result. (default: 0, never; the last weights are the result)")
  private static let evalSamples = OptionDeclaration(
    "eval-samples", "N", "Of each task's test.jsonl, the first N lines. (default: 64)")
  private static let loggingSteps = OptionDeclaration(
    "logging-steps", "N",
    "Tells losses on standard error every N steps; 0 for never. log.jsonl has every step. "
      + "(default: 50)")
  private static let gradientCheckpointing = OptionDeclaration(
    flag: "gradient-checkpointing",
    "Computes activations again instead of keeping them: slower, less memory, the same bits.")
  private static let dryRun = OptionDeclaration(
    flag: "dry-run",
    "Reads everything and makes one step, tells memory, steps and time, and writes nothing.")

  static func groups(result: String) -> [OptionGroup] {
    [
      OptionGroup("Result", [output(result), type]),
      OptionGroup(
        "On the way",
        [
          evalSteps, evalSamples, loggingSteps, checkpoints, saveSteps, keep, resume, dryRun,
        ]),
      OptionGroup("Speed", [gradientCheckpointing, ModelOptions.threads]),
    ]
  }

  /// Where what comes of it goes.
  struct Destination {
    let result: URL
    let checkpoints: URL
  }

  /// `nil` in a dry run.
  let destination: Destination?
  let elementType: TrainedElementType
  let savingInterval: Int?
  let kept: Int
  let resumes: Bool
  let evaluationInterval: Int?
  let evaluationSamples: Int
  let loggingInterval: Int?
  let checkpointsGradients: Bool
  let parallelism: Parallelism

  static let logName = "log.jsonl"

  init(_ arguments: ParsedArguments) throws {
    let steps = 0...1 << 30
    func interval(_ option: OptionDeclaration, default value: Int) throws -> Int? {
      let count = try arguments.integer(option, in: steps) ?? value
      return count == 0 ? nil : count
    }
    evaluationInterval = try interval(Self.evalSteps, default: 0)
    if evaluationInterval == nil, arguments.isGiven(Self.evalSamples) {
      throw UsageError(
        "option \(Self.evalSamples.spelling) has no effect without \(Self.evalSteps.spelling)")
    }
    evaluationSamples = try arguments.integer(Self.evalSamples, in: 1...1 << 24) ?? 64
    savingInterval = try interval(Self.saveSteps, default: 500)
    loggingInterval = try interval(Self.loggingSteps, default: 50)
    kept = try arguments.integer(Self.keep, in: 1...1 << 24) ?? 2
    elementType = try arguments.choice(Self.type, of: TrainedElementType.self) ?? .float32
    checkpointsGradients = arguments.isGiven(Self.gradientCheckpointing)
    parallelism = try ModelOptions.parallelism(arguments)
    resumes = arguments.isGiven(Self.resume)
    if arguments.isGiven(Self.dryRun) {
      if resumes {
        throw UsageError(
          "options \(Self.dryRun.spelling) and \(Self.resume.spelling) exclude each other: a dry run "
            + "trains nothing")
      }
      destination = nil
      return
    }
    let path = try arguments.requiredPath(Self.output(""))
    let result = try Paths.newFolder(path)
    destination = Destination(
      result: result,
      checkpoints: URL(
        fileURLWithPath: try arguments.path(Self.checkpoints) ?? result.path + ".training",
        isDirectory: true))
  }

  /// What decides the result, beside the files.
  var settings: [(key: String, value: JSONOutput)] {
    [
      ("gradient_checkpointing", .bool(checkpointsGradients)),
      ("eval_steps", evaluationInterval.map { .integer($0) } ?? .null),
      ("eval_samples", evaluationInterval == nil ? .null : .integer(evaluationSamples)),
    ]
  }
}
