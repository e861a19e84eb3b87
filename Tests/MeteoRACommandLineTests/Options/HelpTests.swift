import Testing

@testable import MeteoRACommandLine

@Suite("Help")
struct HelpTests {
  static let commands = MeteoraTool.commands.map(\.name)

  private static func words(_ name: String) -> [String] {
    name.split(separator: " ").map(String.init)
  }

  @Test("it names every command, and ends with 0", arguments: ["--help", "-h"])
  func overview(option: String) {
    let run = ToolRun([option])
    #expect(run.exitCode == 0)
    #expect(run.output.hasPrefix("Usage: meteora COMMAND"))
    for name in Self.commands { #expect(run.output.contains("\n  \(name) ")) }
    #expect(run.error.isEmpty)
  }

  @Test("'help' is another way to ask for it")
  func helpCommand() {
    #expect(ToolRun(["help"]).output == ToolRun(["--help"]).output)
    for name in Self.commands {
      let run = ToolRun(["help"] + Self.words(name))
      #expect(run.exitCode == 0)
      #expect(run.output == ToolRun(Self.words(name) + ["--help"]).output)
    }
  }

  @Test("of itself it is the overview", arguments: ["help", "--help", "-h"])
  func helpOnHelp(word: String) {
    let run = ToolRun(["help", word])
    #expect(run.exitCode == 0)
    #expect(run.output == ToolRun(["--help"]).output)
    #expect(run.error.isEmpty)
  }

  @Test("of a family it lists the members", arguments: [["train", "--help"], ["help", "train"]])
  func family(arguments: [String]) {
    let run = ToolRun(arguments)
    #expect(run.exitCode == 0)
    #expect(run.output.hasPrefix("Usage: meteora train COMMAND [OPTIONS]\n"))
    for name in ["base", "lora", "gates"] { #expect(run.output.contains("\n  train \(name) ")) }
  }

  @Test("of what leaves a temporary file it says so", arguments: ["bundle", "trace"])
  func temporaryFiles(name: String) {
    let words = ToolRun([name, "--help"]).output.split { $0 == " " || $0 == "\n" }
    #expect(words.joined(separator: " ").contains("Only a program that is killed leaves a f"))
  }

  @Test("it gives the version")
  func version() {
    let run = ToolRun(["--version"])
    #expect(run.exitCode == 0)
    #expect(run.output == "meteora 0.1.0\n")
  }

  @Test("of a command, it has usage, every option, examples and exit codes", arguments: commands)
  func page(name: String) throws {
    let command = try #require(MeteoraTool.commands.first { $0.name == name })
    let run = ToolRun(Self.words(name) + ["--help"])
    #expect(run.exitCode == 0)
    #expect(run.output.hasPrefix("Usage: meteora \(name) "))
    for option in command.options { #expect(run.output.contains("\n  \(option.spelling)")) }
    #expect(command.examples.count >= 2)
    for example in command.examples { #expect(run.output.contains("  \(example)\n")) }
    for code in ["0", "1", "64", "129, 130, 143", "141"] {
      #expect(run.output.contains("\n  \(code) "))
    }
    #expect(run.lines.allSatisfy { $0.unicodeScalars.count <= 80 })
    #expect(Set(command.options.map(\.name)).count == command.options.count)
  }

  @Test("its examples can be parsed", arguments: commands)
  func examplesParse(name: String) throws {
    let command = try #require(MeteoraTool.commands.first { $0.name == name })
    for example in command.examples {
      var words: [String] = []
      // Single quotes are all that the examples use of the shell's grammar.
      for (index, part) in example.split(separator: "'").enumerated() {
        words += index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
      }
      let start = ["meteora"] + Self.words(name)
      #expect(Array(words.prefix(start.count)) == start)
      #expect(throws: Never.self) {
        try ParsedArguments(words.dropFirst(start.count), of: command)
      }
    }
  }

  @Test(
    "it says that lines are JSON, and that none may be empty",
    arguments: ["tokenize", "detokenize"])
  func lines(name: String) throws {
    let summary = try #require(
      ToolRun(["--help"]).lines.first { $0.hasPrefix("  \(name) ") })
    #expect(summary.contains("lines of JSON"))
    let words = ToolRun([name, "--help"]).output.split { $0 == " " || $0 == "\n" }
    #expect(words.joined(separator: " ").contains("An empty line is an error"))
  }

  @Test("it says that chat templates are not applied", arguments: ["generate", "trace"])
  func templateNotice(name: String) {
    let words = ToolRun([name, "--help"]).output.split { $0 == " " || $0 == "\n" }
    #expect(words.joined(separator: " ").contains("Chat templates are not applied"))
  }
}
