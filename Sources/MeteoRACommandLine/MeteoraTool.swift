import Foundation

/// The command line `meteora`: arguments in, text out, an exit code.
package enum MeteoraTool {
  /// What `--version` prints.
  package static let version = "0.1.0"

  static let commands: [Command] = [
    .generate, .trace, .tokenize, .detokenize, .inspect, .bundle, .verify, .trainBase, .trainLoRA,
    .trainGates, .eval,
  ]

  /// Runs one command.
  ///
  /// - Parameters:
  ///   - arguments: Without the program's name.
  ///   - input: Standard input.
  ///   - output: Standard output.
  ///   - error: Standard error: errors, one sentence each, and on a terminal progress.
  ///   - environment: The process's.
  ///   - interruption: What Ctrl-C sets.
  /// - Returns: The exit code; see ``ExitCode``.
  package static func run(
    arguments: [String], input: any ByteSource, output: any ByteSink, error: any ByteSink,
    environment: [String: String] = [:], interruption: Interruption = Interruption()
  ) -> Int32 {
    let console = Console(
      input: input, output: output, error: error, environment: environment,
      interruption: interruption)
    do {
      return try run(arguments, console: console).rawValue
    } catch {
      return report(error, console: console)
    }
  }

  /// Says what ended a command.
  ///
  /// - Returns: The exit code.
  private static func report(_ error: any Error, console: Console) -> Int32 {
    switch error {
    case let failures as TwoFailures:
      let code = report(failures.first, console: console)
      _ = report(failures.second, console: console)
      return code
    // Nobody is there who could wonder why there is no more.
    case OutputFailure.brokenPipe: return ExitCode.brokenPipe.rawValue
    case let error as UsageError:
      console.report(error.message)
      return ExitCode.usage.rawValue
    case is Interrupted:
      return console.interruption.exitCode ?? ExitCode.interrupted.rawValue
    default:
      console.report("\(error)")
      return ExitCode.failure.rawValue
    }
  }

  private static func run(_ arguments: [String], console: Console) throws -> ExitCode {
    guard let first = arguments.first else {
      throw UsageError("no command given; see 'meteora --help'")
    }
    switch first {
    case "--help", "-h":
      try console.print(HelpPage.overview)
      return .success
    case "help":
      try console.print(help(on: arguments.dropFirst()))
      return .success
    case "--version":
      try console.print("meteora \(version)\n")
      return .success
    default: break
    }
    if isFamily(first), arguments.count > 1, ["--help", "-h"].contains(arguments[1]) {
      try console.print(HelpPage.overview(ofFamily: first))
      return .success
    }
    let command = try command(at: arguments[...])
    let parsed: ParsedArguments
    do {
      parsed = try ParsedArguments(
        arguments.dropFirst(command.words), of: command)
    } catch is HelpRequest {
      try console.print(HelpPage.page(of: command))
      return .success
    }
    return try command.run(parsed, console)
  }

  /// What `meteora help` prints.
  private static func help(on names: ArraySlice<String>) throws -> String {
    guard let name = names.first else { return HelpPage.overview }
    // Help is no command that has a page.
    let isHelp = ["help", "--help", "-h"].contains(name)
    if names.count == 1, isHelp { return HelpPage.overview }
    if names.count == 1, isFamily(name) { return HelpPage.overview(ofFamily: name) }
    let command = isHelp ? nil : try command(at: names, isNamed: true)
    if let argument = names.dropFirst(command?.words ?? 1).first {
      throw UsageError(
        "unexpected argument '\(printableArgument(argument))'; 'meteora help' takes one command")
    }
    return command.map(HelpPage.page) ?? HelpPage.overview
  }

  /// Whether commands have names of two words, of which this is the first.
  private static func isFamily(_ name: String) -> Bool { !members(of: name).isEmpty }

  /// The commands whose names begin with a word and have another.
  static func members(of family: String) -> [Command] {
    commands.filter { $0.words == 2 && $0.name.utf8.starts(with: "\(family) ".utf8) }
  }

  /// The command that arguments begin with.
  ///
  /// - Parameters:
  ///   - arguments: At least one.
  ///   - isNamed: Whether nothing but a command can be meant.
  private static func command(
    at arguments: ArraySlice<String>, isNamed: Bool = false
  ) throws -> Command {
    let first = arguments.first ?? ""
    let family = members(of: first)
    if family.isEmpty {
      if let command = commands.first(where: { $0.name == first }) { return command }
      var known: [String] = []
      for command in commands {
        let word = command.name.split(separator: " ").first.map(String.init) ?? ""
        if !known.contains(word) { known.append(word) }
      }
      throw UsageError.unknown(
        isNamed ? "command" : kind(of: first), first,
        among: known + (isNamed ? [] : ["help", "--help", "--version"]), help: "meteora --help")
    }
    let seconds = family.map { String($0.name.dropFirst(first.count + 1)) }
    guard let second = arguments.dropFirst().first else {
      throw UsageError(
        "'meteora \(first)' needs one more word: \(seconds.joined(separator: ", "))")
    }
    if let command = family.first(where: { $0.name == "\(first) \(second)" }) { return command }
    throw UsageError.unknown(
      isNamed ? "command" : kind(of: second), second,
      among: seconds + (isNamed ? [] : ["--help"]), help: "meteora help \(first)")
  }

  /// What an argument looks like.
  private static func kind(of argument: String) -> String {
    argument.utf8.starts(with: "-".utf8) ? "option" : "command"
  }

  /// Runs a command with the arguments, streams and signals of this process.
  ///
  /// - Returns: The exit code.
  package static func runInProcess() -> Int32 {
    ProcessStreams.prepare()
    let errors = DescriptorSink(STDERR_FILENO, name: "standard error")
    let arguments: [String]
    do throws(UsageError) {
      arguments = try ProcessStreams.arguments()
    } catch {
      try? errors.write(Array("meteora: \(error.message)\n".utf8))
      return ExitCode.usage.rawValue
    }
    let interruption = Interruption()
    let watcher = SignalWatcher(interruption)
    return withExtendedLifetime(watcher) {
      run(
        arguments: arguments, input: DescriptorSource(STDIN_FILENO, name: "standard input"),
        output: DescriptorSink(STDOUT_FILENO, name: "standard output"), error: errors,
        environment: ProcessInfo.processInfo.environment, interruption: interruption)
    }
  }
}

/// What the program tells its caller.
enum ExitCode: Int32 {
  case success = 0
  /// Bad data, or data that do not fit the command line; a verification that fails.
  case failure = 1
  /// The command line is wrong, whatever the files hold.
  case usage = 64
  /// Ctrl-C.
  case interrupted = 130
  /// Nobody reads the output any more.
  case brokenPipe = 141
}

/// A command ended early, as it was asked to by ``Interruption``.
struct Interrupted: Error {}

/// A failure, and one on the way to save what there was: both are told, the first decides.
struct TwoFailures: Error {
  let first: any Error
  let second: any Error

  init(_ first: any Error, then second: any Error) {
    (self.first, self.second) = (first, second)
  }
}
