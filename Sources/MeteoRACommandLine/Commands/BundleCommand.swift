import Foundation
import MeteoRA
import MeteoRASafetensors

extension Command {
  /// `meteora bundle`.
  static let bundle = Command(
    name: "bundle",
    summary: "Makes one folder of a base, adapters and gates, or of a base and one adapter.",
    usage: [
      "--base D (--adapters DIR | --adapter NAME=DIR ...)",
      "(--gates F | --checkpoint F | --merge NAME) --output D [OPTIONS]",
    ],
    description: [
      "Copies the base's configuration, weights and tokenizer, each adapter's two files and the "
        + "gates into a new folder with a meteora.json, which every --model takes. The folder is "
        + "loaded, its tokenizer too, before it gets its name: it is there complete and working, or "
        + "not at all. (Only a program that is killed leaves a folder .meteora-*.tmp beside it.)",
      "--checkpoint splits a checkpoint of the published code: A, B and gates come from it, "
        + "adapter_config.json from the adapters. Its base has to be that of --base.",
      "--merge adds one adapter to the base's weights, W + scaling * (B * A), and writes a plain "
        + "Hugging Face folder, which needs no adapters any more. Gates choose adapters for every "
        + "token, which no merged weights can do, so there is no merging with gates. Merged and "
        + "separate weights give results that differ by rounding.",
    ],
    groups: [BundleOptions.parts, BundleOptions.result, BundleOptions.merging],
    examples: [
      "meteora bundle --base BASE --adapters DIR --gates F --output B",
      "meteora bundle --base D --adapter a=A --adapter b=B --checkpoint F --output B",
      "meteora bundle --base BASE --adapter a=A --merge a --output MERGED",
    ],
    run: { arguments, console in
      if arguments.isGiven(BundleOptions.merge) {
        let writer = try BundleOptions.mergedWriter(arguments)
        return try make(BundleOptions.target(arguments), console) {
          folder, shouldStop throws(MeteoRAError) in
          try writer.write(to: folder, shouldStop: shouldStop)
          return "a plain model with adapter \(printable(writer.adapter)) merged"
        }
      }
      let writer = try BundleOptions.writer(arguments)
      return try make(BundleOptions.target(arguments), console) {
        folder, shouldStop throws(MeteoRAError) in
        try writer.write(to: folder, shouldStop: shouldStop)
        let count = writer.files.adapters.count
        return "a bundle of \(count) adapter\(count == 1 ? "" : "s"), router top-k "
          + "\(writer.files.router.topK), temperature \(writer.files.router.temperature)"
      }
    })

  /// Makes a folder and says what it is.
  private static func make(
    _ output: URL, _ console: Console,
    _ write: (URL, @escaping () -> Bool) throws(MeteoRAError) -> String
  ) throws -> ExitCode {
    let progress = ProgressLine(on: console)
    progress.show("making \(output.path)")
    return try console.interruption.gracefully {
      let description: String
      do throws(MeteoRAError) {
        description = try write(output) { console.interruption.isRequested }
      } catch .cancelled {
        throw Interrupted()
      }
      progress.clear()
      try console.print("\(printable(output.path, limit: 1024)): \(description)\n")
      return .success
    }
  }
}

/// The options of `bundle`.
private enum BundleOptions {
  static let base = OptionDeclaration(
    "base", "D", "A plain Hugging Face folder. Required.")
  static let output = OptionDeclaration(
    "output", "D", "The folder to be made; must not be there yet. Required.")
  static let link = OptionDeclaration(
    flag: "link", "Makes symbolic links to the absolute paths of the parts instead of copies.")
  static let routerTopK = OptionDeclaration(
    "router-top-k", "K", "Adapters that a token takes in a module. (default: 2)")
  static let routerTemperature = OptionDeclaration(
    "router-temperature", "T",
    "Divides the selected gate logits before their softmax; the authors use 15, 20 and 30 for "
      + "prompts of 3, 5 and 10 tasks. (default: 1)")

  static let parts = OptionGroup(
    "Parts",
    [
      base,
      OptionDeclaration(
        "adapters", "DIR", "A folder of PEFT folders, in byte order of their names."),
      OptionDeclaration(
        "adapter", "NAME=DIR", isRepeatable: true,
        "A PEFT folder and its name, in the order of the gates' rows."),
      OptionDeclaration("gates", "F", "The gates that choose among the adapters."),
      OptionDeclaration(
        "checkpoint", "F", "Instead of --gates: a checkpoint as the published code saves it."),
    ])
  static let merge = OptionDeclaration(
    "merge", "NAME", "Instead of gates: the adapter to be added to the base's weights.")
  static let mergedType = OptionDeclaration(
    "merged-type", "T",
    "f32: merged matrices are written as they are computed; base: rounded to the base's type. "
      + "(default: f32)")

  static let result = OptionGroup("Result", [output, link, routerTopK, routerTemperature])
  static let merging = OptionGroup("Merging", [merge, mergedType])

  static func mergedWriter(_ arguments: ParsedArguments) throws -> MergedModelWriter {
    for option in ModelOptions.gatesOptions where arguments.isGiven(option) {
      throw UsageError(
        "options \(merge.spelling) and \(option.spelling) exclude each other: gates choose adapters "
          + "for every token, which no merged weights can do")
    }
    for option in [link, routerTopK, routerTemperature] where arguments.isGiven(option) {
      throw UsageError(
        "option \(option.spelling) has no effect with \(merge.spelling), which writes a plain model; "
          + "leave one out")
    }
    let files = try baseAndAdapters(arguments)
    let name = try arguments.requiredText(merge)
    return MergedModelWriter(
      files: files, adapter: try ModelOptions.adapter(name, of: files, for: merge).name,
      elementType: try arguments.choice(
        mergedType, of: MergedModelWriter.ElementType.self) ?? .float32)
  }

  private static func baseAndAdapters(_ arguments: ParsedArguments) throws -> ModelFiles {
    try ModelOptions.refuseContradictions(arguments)
    let folder = try Paths.model(arguments.requiredPath(base), of: base)
    guard !ModelFiles.isBundle(folder) else {
      throw UsageError(
        "option --base is \(folder.path), which is a bundle; give the plain folder inside it")
    }
    guard [ModelOptions.adapters, ModelOptions.adapter].contains(where: arguments.isGiven) else {
      throw UsageError("option --adapters or --adapter is missing; see 'meteora bundle --help'")
    }
    var files = ModelFiles(base: folder)
    try ModelOptions.addParts(to: &files, arguments)
    return files
  }

  static func writer(_ arguments: ParsedArguments) throws -> BundleWriter {
    if arguments.isGiven(mergedType) {
      throw UsageError(
        "option \(mergedType.spelling) has no effect without \(merge.spelling)")
    }
    var files = try baseAndAdapters(arguments)
    guard files.gates != .absent else {
      throw UsageError(
        "option --gates, --checkpoint or --merge is missing; see 'meteora bundle --help'")
    }
    if let topK = try arguments.integer(routerTopK, in: 1...Int.max) { files.router.topK = topK }
    if let temperature = try arguments.positiveFloat(routerTemperature) {
      files.router.temperature = temperature
    }
    try ModelOptions.requireTopK(of: files)
    return BundleWriter(files: files, linksFiles: arguments.isGiven(link))
  }

  static func target(_ arguments: ParsedArguments) throws -> URL {
    try Paths.newFolder(arguments.requiredPath(output))
  }
}
