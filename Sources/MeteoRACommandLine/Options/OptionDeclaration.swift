import MeteoRASafetensors

/// A long option of a command.
struct OptionDeclaration: Sendable {
  /// Without the two dashes.
  let name: String
  /// What stands for the value in the help; `nil` for an option that takes none.
  let value: String?
  let help: String
  let isRepeatable: Bool

  init(_ name: String, _ value: String, isRepeatable: Bool = false, _ help: String) {
    self.name = name
    self.value = value
    self.help = help
    self.isRepeatable = isRepeatable
  }

  init(flag name: String, _ help: String) {
    self.name = name
    value = nil
    self.help = help
    isRepeatable = false
  }

  /// As the user writes it.
  var spelling: String { "--\(name)" }
}

/// Options that belong together, under a heading in the help.
struct OptionGroup: Sendable {
  let title: String
  let options: [OptionDeclaration]

  init(_ title: String, _ options: [OptionDeclaration]) {
    self.title = title
    self.options = options
  }
}

/// One command: what its help says, and what it does.
struct Command: Sendable {
  /// One word, or two for one of a family.
  let name: String
  /// In the list of commands.
  let summary: String
  /// What follows `meteora NAME` at the top of the help, in lines.
  let usage: [String]
  /// Paragraphs.
  let description: [String]
  /// The name of the one argument that is no option; `nil` if there is none.
  var positional: String?
  let groups: [OptionGroup]
  /// Command lines that work, in the repository's folder.
  let examples: [String]
  let run: @Sendable (ParsedArguments, Console) throws -> ExitCode

  var options: [OptionDeclaration] { groups.flatMap(\.options) }
  /// Of the name.
  var words: Int { name.utf8.split(separator: UInt8(ascii: " ")).count }
}

/// The command line is wrong.
struct UsageError: Error {
  /// One sentence.
  let message: String

  init(_ message: String) {
    self.message = message
  }

  /// - Parameters:
  ///   - kind: "option", "command".
  ///   - candidates: What could have been meant.
  ///   - help: The command that lists them.
  static func unknown(
    _ kind: String, _ found: String, among candidates: [String], help: String
  ) -> UsageError {
    let shown = printableArgument(found)
    if let nearest = nearestName(to: found, among: candidates) {
      return UsageError("unknown \(kind) '\(shown)'; did you mean '\(nearest)'?")
    }
    return UsageError("unknown \(kind) '\(shown)'; see '\(help)'")
  }
}

/// `--help` stands among the arguments.
struct HelpRequest: Error {}
