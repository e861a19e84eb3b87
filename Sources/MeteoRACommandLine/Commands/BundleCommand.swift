import Foundation
import MeteoRA
import MeteoRASafetensors

extension Command {
  /// `meteora bundle`.
  static let bundle = Command(
    name: "bundle", summary: "Makes one folder of a base, adapters and gates.",
    usage: [
      "--base D (--adapters DIR | --adapter NAME=DIR ...)",
      "(--gates F | --checkpoint F) --output D [OPTIONS]",
    ],
    description: [
      "Copies the base's configuration, weights and tokenizer, each adapter's two files and the "
        + "gates into a new folder with a meteora.json, which every --model takes. The folder is "
        + "loaded, its tokenizer too, before it gets its name: it is there complete and working, or "
        + "not at all. (Only a program that is killed leaves a folder .meteora-*.tmp beside it.)",
      "--checkpoint splits a checkpoint of the published code: A, B and gates come from it, "
        + "adapter_config.json from the adapters. Its base has to be that of --base.",
    ],
    groups: [BundleOptions.parts, BundleOptions.result],
    examples: [
      "meteora bundle --base BASE --adapters DIR --gates F --output B",
      "meteora bundle --base D --adapter a=A --adapter b=B --checkpoint F --output B",
    ],
    run: { arguments, console in
      let writer = try BundleOptions.writer(arguments)
      let output = try BundleOptions.target(arguments)
      let progress = ProgressLine(on: console)
      progress.show("making \(output.path)")
      return try console.interruption.gracefully {
        do throws(MeteoRAError) {
          try writer.write(to: output) { console.interruption.isRequested }
        } catch .cancelled {
          throw Interrupted()
        }
        progress.clear()
        let count = writer.files.adapters.count
        try console.print(
          "\(printable(output.path, limit: 1024)): a bundle of \(count) adapter\(count == 1 ? "" : "s"), router top-k "
            + "\(writer.files.router.topK), temperature \(writer.files.router.temperature)\n")
        return .success
      }
    })
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
  static let result = OptionGroup("Bundle", [output, link, routerTopK, routerTemperature])

  static func writer(_ arguments: ParsedArguments) throws -> BundleWriter {
    try ModelOptions.refuseContradictions(arguments)
    let folder = try Paths.folder(arguments.requiredPath(base))
    guard !ModelFiles.isBundle(folder) else {
      throw UsageError(
        "option --base is \(folder.path), which is a bundle; give the plain folder inside it")
    }
    for (first, second) in [("adapters", "adapter"), ("gates", "checkpoint")]
    where !parts.options.contains(where: {
      [first, second].contains($0.name) && arguments.isGiven($0)
    }) {
      throw UsageError("option --\(first) or --\(second) is missing; see 'meteora bundle --help'")
    }
    var files = ModelFiles(base: folder)
    try ModelOptions.addParts(to: &files, arguments)
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
