import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers
import MeteoRATraining

/// The options that say what is trained on.
struct TrainingDataOptions {
  private static let datasets = OptionDeclaration(
    "datasets", "DIR",
    "A folder with a folder for each task, which holds train.jsonl and, for --eval-steps, "
      + "test.jsonl, {\"prompt\":...,\"response\":...} a line. Required.")
  private static let task = OptionDeclaration(
    "task", "NAME", isRepeatable: true, "Only this task. (default: all of the folder)")
  private static let composite = OptionDeclaration(
    "composite", "NAME", isRepeatable: true,
    "A folder of samples for several adapters; its lines say with \"spans\" which part is whose. "
      + "The other folders have the names of the adapters.")
  private static let balance = OptionDeclaration(
    "balance", "N", "Takes N samples of each task, drawn by --seed. (default: all)")
  private static let maximumLength = OptionDeclaration(
    "max-length", "N",
    "Cuts samples to N tokens, BOS and EOS counted. (default: the model's positions, 2048 at most)")
  private static let lossOn = OptionDeclaration(
    "loss-on", "PART",
    "all or response: the tokens whose prediction counts. Labels of gates always do. (default: all)"
  )
  private static let addBOS = OptionDeclaration(flag: "add-bos", "Puts BOS in front of samples.")
  private static let appendEOS = OptionDeclaration(
    flag: "append-eos", "Puts EOS behind responses. (default: not, as published)")
  private static let noAppendEOS = OptionDeclaration(
    flag: "no-append-eos", "Puts no EOS behind responses.")

  static func group(_ kind: TrainingKind) -> OptionGroup {
    OptionGroup(
      "Data",
      [
        datasets, kind == .gates ? composite : task, balance, maximumLength, lossOn, addBOS,
        kind.appendsEnd ? noAppendEOS : appendEOS,
      ])
  }

  private let folder: URL
  private let names: [String]
  private let balanced: Int?
  private let length: Int?
  let lossTokens: LanguageLossTokens
  private let addsBegin: Bool
  private let appendsEnd: Bool

  init(_ arguments: ParsedArguments, _ kind: TrainingKind) throws {
    folder = try Paths.folder(arguments.requiredPath(Self.datasets))
    names = arguments.texts(kind == .gates ? Self.composite : Self.task)
    balanced = try arguments.integer(Self.balance, in: 1...SampleOrder.largestCount)
    length = try arguments.integer(Self.maximumLength, in: SampleEncoder.lengths)
    lossTokens = try arguments.choice(Self.lossOn, of: LossPart.self)?.tokens ?? .all
    addsBegin = arguments.isGiven(Self.addBOS)
    appendsEnd =
      kind.appendsEnd
      ? !arguments.isGiven(Self.noAppendEOS) : arguments.isGiven(Self.appendEOS)
  }

  private enum LossPart: String, CaseIterable {
    case all, response

    var tokens: LanguageLossTokens { self == .all ? .all : .responses }
  }

  /// The folders of tasks.
  ///
  /// - Parameter adapters: Those that the gates are trained of; `nil` if there are no gates.
  func taskFolders(adapters: [String]?) throws -> TaskFolders {
    guard let adapters else {
      return try TaskFolders(in: folder, chosen: names.isEmpty ? nil : names)
    }
    return try TaskFolders(in: folder, adapters: adapters, composites: names)
  }

  func encoder(
    _ tokenizer: Tokenizer, for model: LlamaConfiguration
  ) throws -> SampleEncoder {
    try SampleEncoder(
      tokenizer: tokenizer, vocabularySize: model.vocabularySize,
      options: .init(
        addsBegin: addsBegin, addsEnd: appendsEnd, maximumLength: maximumLength(of: model)))
  }

  private func maximumLength(of model: LlamaConfiguration) -> Int {
    length ?? max(min(model.maximumPositions, 2048), SampleEncoder.lengths.lowerBound)
  }

  /// Which samples are trained on.
  func choice(seed: UInt64) -> TrainingDataset.Choice {
    balanced.map { .balanced($0, seed: seed) } ?? .all
  }

  /// What decides the samples, beside the files.
  func settings(for model: LlamaConfiguration) -> [(key: String, value: JSONOutput)] {
    [
      ("balance", balanced.map { .integer($0) } ?? .null),
      ("max_length", .integer(maximumLength(of: model))),
      ("loss_on", .string(lossTokens == .all ? "all" : "response")),
      ("add_bos", .bool(addsBegin)), ("append_eos", .bool(appendsEnd)),
    ]
  }
}
