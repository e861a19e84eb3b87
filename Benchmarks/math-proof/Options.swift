/// What the command line asks for.
struct Options {
  static let usage = """
    usage: math-proof [options]

    Proves that the elementary functions of MeteoRAMath are correctly rounded.

      --function NAME   exp, log, sin, cos or pow (all, if left out; may be repeated)
      --threads N       number of threads (default: one per processor)
      --every N         only every Nth chunk of arguments: a sample, not a proof
      --samples N       seeded results per function for judge_undecided.py (default: 100000)
      --output FILE     write undecided, misrounded, hardest and sampled results as JSON
      --help            show this text
    """

  var functions: [String] = []
  var threads: Int?
  var every = 1
  var samples = 100_000
  var output: String?
  var showsHelp = false

  init(_ arguments: [String]) throws(UsageError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--help": showsHelp = true
      case "--function": functions.append(try Self.function(rest.popFirst()))
      case "--threads": threads = try Self.positive(rest.popFirst(), of: option)
      case "--every": every = try Self.positive(rest.popFirst(), of: option)
      case "--samples": samples = try Self.positive(rest.popFirst(), of: option)
      case "--output":
        guard let file = rest.popFirst() else {
          throw UsageError(description: "--output needs the name of a file")
        }
        output = file
      default: throw UsageError(description: "unknown option '\(option)'; --help lists all")
      }
    }
    if functions.isEmpty { functions = Self.allFunctions }
  }

  private static let allFunctions = OneArgumentFunction.allCases.map(\.rawValue) + ["pow"]

  private static func function(_ text: String?) throws(UsageError) -> String {
    guard let text, allFunctions.contains(text) else {
      let names = allFunctions.joined(separator: ", ")
      throw UsageError(description: "--function needs one of \(names), not '\(text ?? "")'")
    }
    return text
  }

  private static func positive(_ text: String?, of option: String) throws(UsageError) -> Int {
    guard let text, let value = Int(text), value > 0 else {
      throw UsageError(description: "\(option) needs a whole number above 0, not '\(text ?? "")'")
    }
    return value
  }
}

/// A command line that cannot be followed.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}
