import MeteoRA
import MeteoRASafetensors
import MeteoRATraining

/// The options that say how weights follow their gradients.
struct OptimiserSettings {
  private static let maxSteps = OptionDeclaration(
    "max-steps", "N", "Steps of the optimiser. (default: as many as the epochs take)")
  private static let epochs = OptionDeclaration(
    "num-train-epochs", "X", "How often every sample is seen. (default: 1)")
  private static let batchSize = OptionDeclaration(
    "batch-size", "N", "Samples that go through the model together. (default: 8)")
  private static let accumulation = OptionDeclaration(
    "gradient-accumulation-steps", "N", "Batches of a step; their gradients are added. (default: 1)"
  )
  private static func learningRate(_ kind: TrainingKind) -> OptionDeclaration {
    OptionDeclaration(
      "learning-rate", "X", "The largest learning rate. (default: \(kind.learningRate))")
  }
  private static let schedule = OptionDeclaration(
    "lr-scheduler-type", "S",
    "constant, linear or cosine: how the learning rate falls behind the warm-up. (default: cosine)")
  private static let warmup = OptionDeclaration(
    "warmup-ratio", "X", "The share of steps in which the learning rate rises. (default: 0.03)")
  private static let weightDecay = OptionDeclaration(
    "weight-decay", "X", "Of matrices, decoupled from gradients. (default: 0)")
  private static let beta1 = OptionDeclaration(
    "adam-beta1", "X", "Of the mean of gradients. (default: 0.9)")
  private static let beta2 = OptionDeclaration(
    "adam-beta2", "X", "Of the mean of their squares. (default: 0.999)")
  private static let epsilon = OptionDeclaration(
    "adam-epsilon", "X", "Added to the root of the latter. (default: 1e-8)")
  private static let maxGradNorm = OptionDeclaration(
    "max-grad-norm", "X", "Scales larger gradients down to this norm. (default: 1)")
  private static let seedOption = OptionDeclaration(
    "seed", "N", "Chooses initial weights, the order of samples, dropout. (default: 42)")

  static func group(_ kind: TrainingKind) -> OptionGroup {
    OptionGroup(
      "Optimiser",
      [
        maxSteps, epochs, batchSize, accumulation, learningRate(kind), schedule, warmup,
        weightDecay, beta1, beta2, epsilon, maxGradNorm, seedOption,
      ])
  }

  let batchSize: Int
  let batchesPerStep: Int
  let seed: UInt64
  private let maximumSteps: Int?
  private let epochs: Double
  private let learningRate: Double
  private let shape: LearningRateSchedule.Shape
  private let warmupRatio: Double
  private let adamW: AdamW
  private let maximumNorm: Float

  private static let mostSteps = 1 << 30

  init(_ arguments: ParsedArguments, _ kind: TrainingKind) throws {
    if arguments.isGiven(Self.maxSteps), arguments.isGiven(Self.epochs) {
      throw UsageError(
        "options \(Self.maxSteps.spelling) and \(Self.epochs.spelling) exclude each other: give the "
          + "length one way")
    }
    let counts = 1...BatchMaker.largestStep
    batchSize = try arguments.integer(Self.batchSize, in: counts) ?? 8
    batchesPerStep =
      try arguments.integer(
        Self.accumulation, in: 1...BatchMaker.largestStep / batchSize) ?? 1
    maximumSteps = try arguments.integer(Self.maxSteps, in: 1...Self.mostSteps)
    epochs = try arguments.number(Self.epochs, expected: "a number above 0") { $0 > 0 } ?? 1
    learningRate =
      try arguments.number(
        Self.learningRate(kind), expected: "a number above 0 and at most 10"
      ) { $0 > 0 && $0 <= 10 } ?? kind.learningRate
    shape = try arguments.choice(Self.schedule, of: LearningRateSchedule.Shape.self) ?? .cosine
    warmupRatio =
      try arguments.number(Self.warmup, expected: "a number from 0 to 1") {
        (0...1).contains($0)
      } ?? 0.03
    let share = "a number from 0 up to below 1"
    adamW = AdamW(
      beta1: try arguments.number(Self.beta1, expected: share) { (0..<1).contains($0) } ?? 0.9,
      beta2: try arguments.number(Self.beta2, expected: share) { (0..<1).contains($0) } ?? 0.999,
      epsilon: try arguments.number(Self.epsilon, expected: "a number above 0") { Float($0) > 0 }
        ?? 1e-8,
      weightDecay: try arguments.number(Self.weightDecay, expected: "a number from 0 to 1") {
        (0...1).contains($0)
      } ?? 0)
    maximumNorm = try arguments.positiveFloat(Self.maxGradNorm) ?? 1
    seed = try arguments.unsigned(Self.seedOption) ?? 42
  }

  /// The steps of the run.
  ///
  /// - Parameter samples: That are trained on.
  func steps(samples: Int) throws -> Int {
    if let maximumSteps { return maximumSteps }
    let steps = (epochs * Double(samples) / Double(batchSize * batchesPerStep)).rounded(.up)
    guard steps <= Double(Self.mostSteps) else {
      throw UsageError(
        "option \(Self.epochs.spelling) comes to \(steps) steps, expected \(Self.mostSteps) at most"
      )
    }
    return Int(steps)
  }

  func options(steps: Int) -> OptimiserOptions {
    OptimiserOptions(
      adamW: adamW,
      schedule: LearningRateSchedule(
        shape: shape, learningRate: learningRate, steps: steps, warmupRatio: warmupRatio),
      maximumNorm: maximumNorm)
  }

  func settings(steps: Int) -> [(key: String, value: JSONOutput)] {
    [
      ("max_steps", .integer(steps)), ("batch_size", .integer(batchSize)),
      ("gradient_accumulation_steps", .integer(batchesPerStep)),
      ("learning_rate", .number(learningRate)), ("lr_scheduler_type", .string(shape.rawValue)),
      ("warmup_ratio", .number(warmupRatio)), ("weight_decay", .number(adamW.weightDecay)),
      ("adam_beta1", .number(adamW.beta1)), ("adam_beta2", .number(adamW.beta2)),
      ("adam_epsilon", .number(adamW.epsilon)), ("max_grad_norm", .float(maximumNorm)),
      ("seed", .string("\(seed)")),
    ]
  }
}
