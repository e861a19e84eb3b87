import MeteoRAKernels

/// What the command line asks for.
struct BenchmarkOptions {
  static let help = """
    usage: benchmarks ops [--threads N] [--json]

      ops          products and LoRA-MoE kernels at the sizes of a 7B model
      --threads N  threads of an operation, 1 to \(Parallelism.maximumThreads) (1)
      --json       one JSON object a line: the machine, then the fields of every row
      --help       this page
    """

  var parallelism = Parallelism.serial
  var isJSON = false
  var wantsHelp = false

  init(_ arguments: [String]) throws(UsageError) {
    var names: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": wantsHelp = true
      case "--json": isJSON = true
      case "--threads": parallelism = try Self.parallelism(rest.popFirst())
      case _ where argument.hasPrefix("-"): throw .unknownOption(argument)
      default: names.append(argument)
      }
    }
    guard wantsHelp || names == ["ops"] else { throw .benchmark(names) }
  }

  private static func parallelism(_ text: String?) throws(UsageError) -> Parallelism {
    guard let threads = text.flatMap({ Int($0) }) else { throw .threads(text) }
    do throws(KernelError) {
      return try Parallelism(threads: threads)
    } catch {
      throw .threads(text)
    }
  }
}

/// A command line that cannot be followed.
enum UsageError: Error, CustomStringConvertible {
  case unknownOption(String)
  case threads(String?)
  case benchmark([String])

  var description: String {
    switch self {
    case .unknownOption(let option): "there is no option '\(option)'"
    case .threads(let value):
      "--threads is \(value.map { "'\($0)'" } ?? "without a value"), "
        + "expected a number from 1 to \(Parallelism.maximumThreads)"
    case .benchmark(let names):
      names.isEmpty
        ? "no benchmark is named, expected 'ops'"
        : "'\(names.joined(separator: " "))' is no benchmark, expected 'ops'"
    }
  }
}
