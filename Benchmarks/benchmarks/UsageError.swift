import MeteoRAKernels

/// A command line that cannot be followed.
enum UsageError: Error, Equatable, CustomStringConvertible {
  case unknownOption(String)
  case value(String, String?, String)
  /// A value that was put behind an option which takes none.
  case valueOfFlag(String, String)
  /// An option of another command, and the commands that have it.
  case optionOfOthers(String, of: String, others: [String])
  case pairsWithoutPeer
  case benchmark([String])
  case words(of: String, [String])
  case noFiles
  case noTokenizer
  /// No name begins so; the nearest group of names, or the command that has such cases.
  case noCase(prefix: String, nearest: String)
  case caseOfOther(prefix: String, command: String)

  private static let subjects = BenchmarkOptions.Subject.allCases.map { "'\($0.rawValue)'" }
    .joined(separator: ", ")

  var description: String {
    switch self {
    case .unknownOption(let option): "there is no option '\(option)'"
    case .value(let option, let value, let expected):
      "\(option) is \(value.map { "'\($0)'" } ?? "without a value"), expected \(expected)"
    case .valueOfFlag(let option, let value): "\(option) takes no value, found '\(value)'"
    case .optionOfOthers(let option, let name, let others):
      "\(option) is with '\(name)', expected with "
        + others.map { "'\($0)'" }.joined(separator: " or ")
    case .pairsWithoutPeer: "--pairs is without --against CMD, whose turns it counts"
    case .benchmark(let names):
      names.isEmpty
        ? "no benchmark is named, expected one of \(Self.subjects)"
        : "'\(names.joined(separator: " "))' is no benchmark, expected one of \(Self.subjects)"
    case .words(let name, let words):
      "'\(name)' takes options only, found '\(words.joined(separator: " "))'"
    case .noTokenizer: "'tokenizers' needs --tokenizer P and --text F"
    case .noFiles: "'table' needs --date D and at least one file of JSON lines"
    case .noCase(let prefix, let nearest):
      "--only is '\(prefix)', with which no case begins; the nearest group is '\(nearest)'"
    case .caseOfOther(let prefix, let command):
      "--only is '\(prefix)', which names cases of 'benchmarks \(command)'"
    }
  }
}
