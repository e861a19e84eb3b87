import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers
import MeteoRATraining

extension Command {
  /// `meteora train base`.
  static let trainBase = Command(
    name: "train base", summary: "Trains a whole small Llama from nothing.",
    usage: ["--config D --datasets DIR --output D [OPTIONS]"],
    description: [
      "Begins with random weights, trains all of them on prompts and responses, and writes a plain "
        + "Hugging Face folder.",
      "The same files, options and seed give the same bytes, on any machine and any number of "
        + "threads.",
    ],
    groups: TrainingSession.groups(
      .base, own: [TrainBaseOptions.group], result: "The Hugging Face folder to be made"),
    examples: [
      "meteora train base --config NEW --datasets DATA --output BASE --max-steps 2000",
      "meteora train base --config NEW --datasets DATA --dry-run",
    ],
    run: { arguments, console in
      let session = try TrainingSession(arguments, .base, console: console)
      let folder = try Paths.folder(arguments.requiredPath(TrainBaseOptions.config))
      let llama = try LlamaModel(beginning: folder, seed: session.optimiser.seed)
      let result = session.options
      return try session.run(
        TrainingTask(
          kind: .base, model: TrainableModel(trainingAllOf: llama),
          files: ModelFiles(base: folder),
          folders: try session.data.taskFolders(adapters: nil),
          encoder: try session.data.encoder(
            Tokenizer(folder: folder), for: llama.configuration),
          settings: []
        ) { model, output in
          try model.writeBase(
            to: output, configuration: folder.appendingPathComponent("config.json"),
            companions: folder, as: result.elementType)
        })
    })
}

/// The options of `train base` alone.
private enum TrainBaseOptions {
  static let config = OptionDeclaration(
    "config", "D",
    "A folder with config.json, whose initializer_range is the deviation of initial weights, and "
      + "the files of a tokenizer, which are copied. Required.")

  static let group = OptionGroup("Model", [config])
}
