import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers
import MeteoRATraining

extension Command {
  /// `meteora train lora`.
  static let trainLoRA = Command(
    name: "train lora", summary: "Trains a LoRA adapter on one task or a mix.",
    usage: ["--model M --datasets DIR [--task NAME ...]", "--output D [OPTIONS]"],
    description: [
      "Trains low-rank updates of linear modules, the base frozen, and writes a PEFT folder.",
      "Of several tasks it makes one adapter for all, the paper's LoRA-F, and with --balance N of "
        + "N samples each LoRA-B.",
    ],
    groups: TrainingSession.groups(
      .lora, own: LoRAOptions.groups, result: "The PEFT folder to be made"),
    examples: [
      "meteora train lora --model BASE --datasets DATA --task sort --output sort",
      "meteora train lora --model BASE --datasets DATA --balance 1000 --output lora-b",
    ],
    run: { arguments, console in
      let session = try TrainingSession(arguments, .lora, console: console)
      let options = try LoRAOptions(arguments)
      let files = ModelFiles(base: options.base)
      let llama = try ModelParts(files, parallelism: session.options.parallelism).base
      let result = session.options
      return try session.run(
        TrainingTask(
          kind: .lora,
          model: TrainableModel(
            training: try options.adapter(for: llama, seed: session.optimiser.seed), on: llama),
          files: files, folders: try session.data.taskFolders(adapters: nil),
          encoder: try session.data.encoder(
            Tokenizer(folder: files.base), for: llama.configuration),
          loraDropout: Float(options.settings.dropout), settings: options.identity
        ) { model, output in
          try model.writeAdapter(
            to: output, configuration: .settings(options.settings), as: result.elementType)
        })
    })
}

/// The options of `train lora` alone.
private struct LoRAOptions {
  private static let model = OptionDeclaration(
    "model", "M", "A plain Hugging Face folder, or a bundle, whose base is taken. Required.")
  private static let rank = OptionDeclaration(
    "rank", "R", "Rows of A and columns of B. (default: 8)")
  private static let alpha = OptionDeclaration(
    "lora-alpha", "X", "The update is scaled by X / R. (default: 16)")
  private static let rslora = OptionDeclaration(
    flag: "use-rslora", "Scales by X / sqrt(R) instead.")
  private static let dropout = OptionDeclaration(
    "lora-dropout", "P", "The share of an adapter's inputs that a step leaves out. (default: 0)")
  private static let targets = OptionDeclaration(
    "target-modules", "NAME,...",
    "Ends of the modules' paths, such as q_proj,v_proj, or all-linear. (default: all-linear)")
  private static let layers = OptionDeclaration(
    "layers-to-transform", "N,...", "Only these layers; A-B stands for A to B. (default: all)")

  static let groups = [
    OptionGroup("Model", [model]),
    OptionGroup("Adapter", [rank, alpha, rslora, dropout, targets, layers]),
  ]

  let base: URL
  private(set) var settings: LoRASettings

  init(_ arguments: ParsedArguments) throws {
    let folder = try Paths.model(arguments.requiredPath(Self.model), of: Self.model)
    base = try ModelFiles(folder: folder).base
    settings = LoRASettings(
      rank: try arguments.integer(Self.rank, in: 1...1 << 16) ?? 8,
      alpha: try arguments.number(Self.alpha, expected: "a number above 0 and at most 1e6") {
        $0 > 0 && $0 <= 1e6
      } ?? 16,
      targetModules: try Self.modules(arguments),
      usesRankStabilization: arguments.isGiven(Self.rslora),
      dropout: try arguments.number(Self.dropout, expected: "a number from 0 up to below 1") {
        (0..<1).contains($0)
      } ?? 0,
      layersToTransform: try Self.layerNumbers(arguments))
  }

  private static func modules(_ arguments: ParsedArguments) throws -> LoRAConfiguration.Modules {
    guard let text = arguments.text(targets), text != "all-linear" else {
      // PEFT takes layers only beside a list of names.
      return arguments.isGiven(layers)
        ? .names(LinearModule.allCases.map(\.rawValue)) : .allLinear
    }
    let names = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    let known = LinearModule.allCases.map(\.rawValue)
    for name in names where name.isEmpty {
      throw UsageError(
        "option \(targets.spelling) is '\(printableArgument(text))', expected names between commas, "
          + "such as \(known.prefix(2).joined(separator: ","))")
    }
    return .names(names)
  }

  private static func layerNumbers(_ arguments: ParsedArguments) throws -> [Int]? {
    guard let text = arguments.text(layers) else { return nil }
    var numbers: [Int] = []
    for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let ends = part.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        .map { decimalInteger(String(decoding: $0, as: UTF8.self)) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        first <= last, last < 1 << 16
      else {
        throw UsageError(
          "option \(layers.spelling) is '\(printableArgument(text))', expected numbers of layers "
            + "between commas, such as 0,2 or 4-7")
      }
      numbers += first...last
    }
    return Set(numbers).sorted()
  }

  /// The adapter to begin with.
  func adapter(for llama: LlamaModel, seed: UInt64) throws -> PEFTAdapter {
    let count = llama.layers.count
    if let layer = settings.layersToTransform?.last, layer >= count {
      throw CommandFailure(
        "option \(Self.layers.spelling) names layer \(layer), but the model has layers 0 to "
          + "\(count - 1)")
    }
    let adapter = try PEFTAdapter(
      beginning: "adapter", configuration: settings.configuration(), base: llama.configuration,
      seed: seed)
    guard adapter.updates.contains(where: { $0.contains { $0 != nil } }) else {
      throw CommandFailure(
        "option \(Self.targets.spelling) matches no module of the model, which has "
          + LinearModule.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return adapter
  }

  var identity: [(key: String, value: JSONOutput)] {
    let modules: JSONOutput =
      if case .names(let names) = settings.targetModules {
        .array(names.map { .string($0) })
      } else {
        .string("all-linear")
      }
    return [
      ("rank", .integer(settings.rank)), ("lora_alpha", .number(settings.alpha)),
      ("use_rslora", .bool(settings.usesRankStabilization)),
      ("lora_dropout", .number(settings.dropout)), ("target_modules", modules),
      (
        "layers_to_transform",
        settings.layersToTransform.map { .array($0.map { .integer($0) }) } ?? .null
      ),
    ]
  }
}
