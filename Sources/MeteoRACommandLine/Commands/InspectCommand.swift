import MeteoRA
import MeteoRALlama

extension Command {
  /// `meteora inspect`.
  static let inspect = Command(
    name: "inspect", summary: "Tells what is in a safetensors file, adapter, model or bundle.",
    usage: ["P [OPTIONS]"],
    description: [
      "P is a bundle, a Hugging Face model folder, a PEFT adapter folder, or a safetensors file; "
        + "gates files and checkpoints of the published code are known by the names of their "
        + "tensors. Problems come first: everything that would keep P from being loaded, every field "
        + "of a configuration that is not taken among it. Of a file that breaks its format, of the "
        + "rotary settings, of patterns, of a tokenizer and of shards the first problem is told. With "
        + "problems the exit code is 1.",
      "Only headers are read, and the numbers of gates.",
    ],
    positional: "P",
    groups: [InspectOptions.group],
    examples: [
      "meteora inspect Fixtures/demo",
      "meteora inspect Fixtures/demo/adapters/reverse --base Fixtures/demo/base",
      "meteora inspect Fixtures/demo/gates.safetensors --json",
    ],
    run: { arguments, console in
      guard let path = arguments.positional else {
        throw UsageError("'meteora inspect' needs a file or folder; see 'meteora inspect --help'")
      }
      let url = try Paths.any(path)
      let base = try arguments.path(InspectOptions.base).map { try InspectOptions.base($0) }
      let inspection = try Inspection(contentsOf: url, base: base)
      if base != nil {
        guard case .adapter = inspection else {
          throw UsageError("option --base is for adapters, and \(url.path) is none")
        }
      }
      if arguments.isGiven(InspectOptions.json) {
        try console.printLine(inspection.json.line)
      } else {
        try console.print(inspection.text)
      }
      return inspection.problems.isEmpty ? .success : .failure
    })
}

/// The options of `inspect`.
private enum InspectOptions {
  static let base = OptionDeclaration(
    "base", "D",
    "For an adapter: the model, or bundle, that it is to fit; tells what it changes there.")
  static let json = OptionDeclaration(
    flag: "json",
    "Prints one JSON object, with every problem; else those that are alike are counted.")

  static let group = OptionGroup("Options", [base, json])

  static func base(_ path: String) throws -> LlamaConfiguration {
    let files = try ModelFiles(folder: Paths.model(path, of: InspectOptions.base))
    return try LlamaConfiguration(contentsOf: files.base.appendingPathComponent("config.json"))
  }
}
