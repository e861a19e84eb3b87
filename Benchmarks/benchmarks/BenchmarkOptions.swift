import MeteoRAKernels

/// What the command line asks for.
struct BenchmarkOptions {
  static let help = """
    usage: benchmarks ops [--threads N] [--json]
           benchmarks tokenizers --tokenizer P --text F [--json]

      ops            products and LoRA-MoE kernels at the sizes of a 7B model
      tokenizers     opening, encoding, decoding and streaming on one thread
      --threads N    threads of an operation, 1 to \(Parallelism.maximumThreads) (1)
      --tokenizer P  a tokenizer.json, a tokenizer.model or their folder; repeatable
      --text F       the text to encode; Benchmarks/peers/make_text.py writes one
      --json         one JSON object a line: the machine, then the fields of every row
      --help         this page
    """

  /// What can be timed.
  enum Subject: String, CaseIterable {
    case ops, tokenizers
  }

  var subject = Subject.ops
  var parallelism = Parallelism.serial
  var tokenizers: [String] = []
  var text: String?
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
      case "--tokenizer": tokenizers.append(try Self.path(rest.popFirst(), of: argument))
      case "--text": text = try Self.path(rest.popFirst(), of: argument)
      case _ where argument.hasPrefix("-"): throw .unknownOption(argument)
      default: names.append(argument)
      }
    }
    if wantsHelp { return }
    guard names.count == 1, let subject = Subject(rawValue: names[0]) else {
      throw .benchmark(names)
    }
    self.subject = subject
    if subject == .tokenizers && (tokenizers.isEmpty || text == nil) { throw .noTokenizer }
  }

  private static func path(_ path: String?, of option: String) throws(UsageError) -> String {
    guard let path else { throw .noPath(option) }
    return path
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
  case noPath(String)
  case noTokenizer

  var description: String {
    switch self {
    case .unknownOption(let option): "there is no option '\(option)'"
    case .threads(let value):
      "--threads is \(value.map { "'\($0)'" } ?? "without a value"), "
        + "expected a number from 1 to \(Parallelism.maximumThreads)"
    case .benchmark(let names):
      names.isEmpty
        ? "no benchmark is named, expected 'ops' or 'tokenizers'"
        : "'\(names.joined(separator: " "))' is no benchmark, expected 'ops' or 'tokenizers'"
    case .noPath(let option): "\(option) is without a value, expected a path"
    case .noTokenizer: "'tokenizers' needs --tokenizer P and --text F"
    }
  }
}
