/// The texts of `--help`.
enum HelpPage {
  private static let width = 80
  /// Where the text of options begins, below each other in all groups of a page.
  private static let optionColumn = 26
  private static let exitCodes = [
    ("0", "done"),
    ("1", "bad data, data that do not fit the command line, or a check that failed"),
    ("64", "the command line is wrong"),
    ("129, 130, 143", "interrupted (SIGHUP, Ctrl-C, SIGTERM); what there was is printed"),
    ("141", "nobody reads the output any more"),
  ]

  /// `meteora --help`.
  static var overview: String {
    var page = """
      Usage: meteora COMMAND [OPTIONS]

      MeteoRA: many LoRA adapters in one Llama, chosen per token by gates
      (arXiv 2405.13053).

      Commands

      """
    page += table(MeteoraTool.commands.map { ($0.name, $0.summary) })
    page += "\nOptions\n"
    page += table([
      ("COMMAND --help", "What a command does, its options, and examples."),
      ("help COMMAND", "The same."),
      ("--version", "The version of this program."),
    ])
    return page + "\nExit codes\n" + table(exitCodes)
  }

  /// `meteora FAMILY --help`.
  static func overview(ofFamily name: String) -> String {
    "Usage: meteora \(name) COMMAND [OPTIONS]\n\nCommands\n"
      + table(MeteoraTool.members(of: name).map { ($0.name, $0.summary) })
      + "\nOptions\n"
      + table([("COMMAND --help", "What a command does, its options, and examples.")])
      + "\nExit codes\n" + table(exitCodes)
  }

  /// `meteora COMMAND --help`.
  static func page(of command: Command) -> String {
    var page =
      "Usage: meteora \(command.name) " + command.usage.joined(separator: "\n       ") + "\n"
    for paragraph in command.description { page += "\n" + wrap(paragraph, indent: 0) }
    for group in command.groups {
      page += "\n\(group.title)\n"
      page += table(
        group.options.map { option in
          let value = option.value.map { " \($0)" } ?? ""
          return (
            option.spelling + value, option.help + (option.isRepeatable ? " Repeatable." : "")
          )
        }, column: optionColumn)
    }
    page += "\nExamples\n"
    for example in command.examples { page += "  \(example)\n" }
    return page + "\nExit codes\n" + table(exitCodes)
  }

  /// Two columns, the second wrapped.
  ///
  /// - Parameter column: Where the second begins; just behind the first if `nil`.
  private static func table(_ rows: [(String, String)], column: Int? = nil) -> String {
    let column = column ?? (rows.map(\.0.utf8.count).max() ?? 0) + 4
    return rows.map { term, text in
      let head = "  \(term)"
      return head.utf8.count + 2 > column
        ? head + "\n" + wrap(text, indent: column) : wrap(text, after: head, indent: column)
    }.joined()
  }

  /// Lines of at most 80 bytes, each ending in a line feed.
  ///
  /// - Parameters:
  ///   - head: Begins the first line, which is filled up to `indent`.
  ///   - indent: The spaces before every line.
  private static func wrap(_ text: String, after head: String = "", indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = head + margin.dropFirst(head.utf8.count)
    var isEmpty = true
    for word in text.split(separator: " ") {
      if !isEmpty, line.utf8.count + 1 + word.utf8.count > width {
        lines.append(line)
        line = margin
        isEmpty = true
      }
      line += isEmpty ? word : " " + word
      isEmpty = false
    }
    return (lines + [line]).map { $0 + "\n" }.joined()
  }
}
