import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers
import MeteoRATraining

extension Command {
  /// `meteora train gates`.
  static let trainGates = Command(
    name: "train gates", summary: "Trains the gates that choose among adapters.",
    usage: [
      "--model M [--adapters DIR | --adapter NAME=DIR ...]",
      "--datasets DIR --output D [OPTIONS]",
    ],
    description: [
      "Trains the gates of all modules that adapters change, base and adapters frozen. The loss is "
        + "that of the next token and, --gate-loss-weight times, that of the adapter of the next "
        + "token, which is the adapter of the sample's task or of a span of it.",
      "Writes a folder with gates.safetensors, and with --train-adapters the adapters, of which "
        + "'meteora bundle' makes a model.",
      "With --gates or --checkpoint it goes on with gates that were trained before. They may be "
        + "those of the first adapters alone: the others are new then, and with --new-adapters-only "
        + "nothing else is trained.",
    ],
    groups: TrainingSession.groups(
      .gates, own: GateOptions.groups, result: "The folder to be made"),
    examples: [
      "meteora train gates --model BASE --adapters DIR --datasets DATA --output G",
      "meteora train gates --model BUNDLE --datasets DATA --output G --dry-run",
    ],
    run: { arguments, console in
      let session = try TrainingSession(arguments, .gates, console: console)
      let options = try GateOptions(arguments)
      let progress = ProgressLine(on: console)
      progress.show("loading \(options.files.base.path)")
      let parts = try ModelParts(options.files, parallelism: session.options.parallelism)
      let model = try options.model(of: parts, seed: session.optimiser.seed)
      progress.clear()
      return try session.run(
        TrainingTask(
          kind: .gates, model: model, files: options.filesToRead,
          folders: try session.data.taskFolders(adapters: parts.adapters.map(\.name)),
          encoder: try session.data.encoder(
            Tokenizer(folder: options.files.base), for: model.configuration),
          gateLossWeight: options.gateLossWeight, loraDropout: options.dropout,
          settings: options.identity
        ) { model, output in
          try options.write(model, to: output, session.options)
        })
    })
}

/// The options of `train gates` alone.
private struct GateOptions {
  private static let gates = OptionDeclaration(
    "gates", "F", "Gates to go on with, of all adapters or of the first ones.")
  private static let checkpoint = OptionDeclaration(
    "checkpoint", "F",
    "Instead: a checkpoint as the published code saves it; A, B and gates come from it.")
  private static let newAdaptersOnly = OptionDeclaration(
    flag: "new-adapters-only",
    "Leaves the rows of --gates as they are and trains those of the adapters behind them.")
  private static let trainAdapters = OptionDeclaration(
    flag: "train-adapters", "Trains the adapters too, as the published script does.")
  private static let gateLossWeight = OptionDeclaration(
    "gate-loss-weight", "X", "Weighs the gates' loss: the paper's beta. (default: 50)")
  private static let dropout = OptionDeclaration(
    "lora-dropout", "P",
    "The share of an adapter's inputs that a step leaves out; 0.1 as published. (default: 0)")
  private static let topK = OptionDeclaration(
    "router-top-k", "K",
    "Adapters that a token takes in a module. (default: the bundle's; 2 for a plain folder)")
  private static let temperature = OptionDeclaration(
    "router-temperature", "T",
    "Divides the selected gate logits before their softmax. (default: the bundle's; 1 for a plain "
      + "folder)")
  private static let published = OptionDeclaration(
    flag: "published-checkpoint",
    "Also writes checkpoint.safetensors: base, adapters and gates, as the published code saves "
      + "them.")

  static let groups = [
    OptionGroup(
      "Model",
      [
        ModelOptions.model, ModelOptions.adapters, ModelOptions.adapter, gates, checkpoint, topK,
        temperature,
      ]),
    OptionGroup(
      "Gates", [gateLossWeight, dropout, trainAdapters, newAdaptersOnly, published]),
  ]

  /// Without the gates to go on with, unless those are of a published checkpoint.
  private(set) var files: ModelFiles
  private var oldGates: URL?
  let gateLossWeight: Float
  let dropout: Float
  private let trainsAdapters: Bool
  private let keepsTrainedRows: Bool
  private let writesPublished: Bool

  init(_ arguments: ParsedArguments) throws {
    try ModelOptions.refuseContradictions(arguments)
    let folder = try Paths.model(
      arguments.requiredPath(ModelOptions.model), of: ModelOptions.model)
    files = try ModelFiles(folder: folder)
    files.gates = .absent
    if ModelFiles.isBundle(folder) {
      for option in [ModelOptions.adapters, ModelOptions.adapter] where arguments.isGiven(option) {
        throw UsageError(
          "option \(option.spelling) cannot be used with the bundle \(folder.path), which has its "
            + "own; to replace it, give --model \(files.base.path)")
      }
    }
    try ModelOptions.addParts(to: &files, arguments)
    guard !files.adapters.isEmpty else {
      throw UsageError(
        "gates need adapters to choose among: give --adapters DIR or --adapter NAME=DIR, or a bundle"
      )
    }
    if case .file(let url) = files.gates {
      oldGates = url
      files.gates = .absent
    }
    if let count = try arguments.integer(Self.topK, in: 1...Int.max) { files.router.topK = count }
    if let value = try arguments.positiveFloat(Self.temperature) {
      files.router.temperature = value
    }
    try ModelOptions.requireTopK(of: files)
    gateLossWeight =
      try arguments.float(
        Self.gateLossWeight, expected: "a number from 0 to 1e6"
      ) { (0...1e6).contains($0) } ?? 50
    dropout =
      try arguments.float(Self.dropout, expected: "a number from 0 up to below 1") {
        (0..<1).contains($0)
      } ?? 0
    trainsAdapters = arguments.isGiven(Self.trainAdapters)
    keepsTrainedRows = arguments.isGiven(Self.newAdaptersOnly)
    writesPublished = arguments.isGiven(Self.published)
    if keepsTrainedRows, oldGates == nil {
      throw UsageError(
        "option \(Self.newAdaptersOnly.spelling) has no effect without \(Self.gates.spelling)")
    }
    if keepsTrainedRows, trainsAdapters {
      throw UsageError(
        "options \(Self.newAdaptersOnly.spelling) and \(Self.trainAdapters.spelling) exclude each "
          + "other: one leaves what was trained as it is, the other does not")
    }
  }

  /// The files that decide the result.
  var filesToRead: ModelFiles {
    var files = files
    if let oldGates { files.gates = .file(oldGates) }
    return files
  }

  func model(of parts: ModelParts, seed: UInt64) throws -> TrainableModel {
    var trained = parts.gates
    if let oldGates {
      let (gates, rows) = try Gates.ofFirst(
        parts.adapters, contentsOf: oldGates, base: parts.base.configuration)
      if keepsTrainedRows, rows == parts.adapters.count {
        throw CommandFailure(
          "\(oldGates.path): has rows for all \(rows) adapters, so \(Self.newAdaptersOnly.spelling) "
            + "leaves nothing to be trained")
      }
      trained = gates
    }
    return try TrainableModel(
      trainingGatesOf: parts, from: StartingGates(of: parts, seed: seed, trained: trained),
      keepsTrainedRows: keepsTrainedRows, trainsAdapters: trainsAdapters, router: files.router)
  }

  var identity: [(key: String, value: JSONOutput)] {
    [
      ("adapters", .array(files.adapters.map { .string($0.name) })),
      ("router_top_k", .integer(files.router.topK)),
      ("router_temperature", .float(files.router.temperature)),
      ("gate_loss_weight", .float(gateLossWeight)), ("lora_dropout", .float(dropout)),
      ("train_adapters", .bool(trainsAdapters)), ("new_adapters_only", .bool(keepsTrainedRows)),
    ]
  }

  /// Writes gates, and adapters if they were trained.
  func write(_ model: TrainableModel, to output: URL, _ options: TrainingRunOptions) throws {
    try model.writeGatesFolder(
      to: output, adapters: trainsAdapters ? files.adapters : [],
      publishedBase: writesPublished ? files.base : nil, as: options.elementType)
  }
}
