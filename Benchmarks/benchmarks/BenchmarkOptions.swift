import MeteoRAKernels

/// What the command line asks for.
struct BenchmarkOptions {
  static let help = """
    usage: benchmarks ops [options]
           benchmarks model [options]
           benchmarks tokenizers --tokenizer P --text F [--json]
           benchmarks table --date D [--notes F] FILE…

      ops             products, LoRA-MoE layers, attention, norms, softmax, sampling
      model           opening, prompts and decoding of whole models with random weights, which
                      are written once to a folder of the system's temporary directory
      tokenizers      opening, encoding, decoding and streaming on one thread
      table           a page of Markdown of the JSON lines of one run, to standard output

      --threads N     threads of an operation, 1 to \(Parallelism.maximumThreads) (1)
      --only PREFIX   cases whose names begin so; repeatable
      --seconds S     time that a row's samples take together, at least (0.5)
      --repeats N     samples of a row, at least (3)
      --json          one JSON object a line: machine, peaks, rows
      --against CMD   runs another program in turn with this one, and prints the ratios of their
                      times pair by pair; it gets --threads, --only, --seconds and --repeats
                      behind its own arguments and prints the same JSON lines
      --pairs N       turns of each (3)
      --tokenizer P   a tokenizer.json, a tokenizer.model or their folder; repeatable
      --text F        the text to encode; Benchmarks/peers/make_text.py writes one
      --date D        the date above the tables
      --notes F       Markdown to put behind the tables
      --help          this page
    """

  /// What can be asked for.
  enum Subject: String, CaseIterable {
    case ops, model, tokenizers, table
  }

  var subject = Subject.ops
  var parallelism = Parallelism.serial
  var only: [String] = []
  var budget = TimeBudget()
  var isJSON = false
  var peer: String?
  var pairs = 3
  var date: String?
  var notes: String?
  var tokenizers: [String] = []
  var text: String?
  /// What `table` reads.
  var files: [String] = []
  /// Set where `model` calls itself: one model, opened and measured in a process of its own.
  var modelCase: String?
  /// When that process was started, see ``MonotonicTime``.
  var started: UInt64?
  var wantsHelp = false

  init(_ arguments: [String]) throws(UsageError) {
    var names: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": wantsHelp = true
      case "--json": isJSON = true
      case "--threads": parallelism = try Self.parallelism(rest.popFirst())
      case "--only": only.append(try Self.text(rest.popFirst(), of: argument))
      case "--seconds":
        budget.seconds = try Self.number(rest.popFirst(), of: argument, in: 0...3600)
      case "--repeats":
        budget.fewest = try Self.number(rest.popFirst(), of: argument, in: 1...10_000)
      case "--against": peer = try Self.text(rest.popFirst(), of: argument)
      case "--pairs": pairs = try Self.number(rest.popFirst(), of: argument, in: 1...1000)
      case "--tokenizer": tokenizers.append(try Self.text(rest.popFirst(), of: argument))
      case "--text": text = try Self.text(rest.popFirst(), of: argument)
      case "--date": date = try Self.text(rest.popFirst(), of: argument)
      case "--notes": notes = try Self.text(rest.popFirst(), of: argument)
      case "--model-case": modelCase = try Self.text(rest.popFirst(), of: argument)
      case "--started": started = try Self.number(rest.popFirst(), of: argument, in: 0...(.max))
      case _ where argument.hasPrefix("-"): throw .unknownOption(argument)
      default: names.append(argument)
      }
    }
    if wantsHelp { return }
    guard let name = names.first, let subject = Subject(rawValue: name) else {
      throw .benchmark(names)
    }
    self.subject = subject
    files = Array(names.dropFirst())
    if subject == .table {
      if date == nil || files.isEmpty { throw .noFiles }
    } else if !files.isEmpty {
      throw .benchmark(names)
    }
    if peer != nil, subject != .ops, subject != .model { throw .noTurns(subject.rawValue) }
    if subject == .tokenizers, tokenizers.isEmpty || text == nil { throw .noTokenizer }
  }

  private static func text(_ text: String?, of option: String) throws(UsageError) -> String {
    guard let text else { throw .value(option, nil, "a text") }
    return text
  }

  private static func number<Number: LosslessStringConvertible & Comparable>(
    _ text: String?, of option: String, in range: ClosedRange<Number>
  ) throws(UsageError) -> Number {
    guard let number = text.flatMap({ Number($0) }), range.contains(number) else {
      throw .value(option, text, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func parallelism(_ text: String?) throws(UsageError) -> Parallelism {
    let threads = try number(text, of: "--threads", in: 1...Parallelism.maximumThreads)
    do throws(KernelError) {
      return try Parallelism(threads: threads)
    } catch {
      throw .value("--threads", text, "a number from 1 to \(Parallelism.maximumThreads)")
    }
  }
}

/// A command line that cannot be followed.
enum UsageError: Error, CustomStringConvertible {
  case unknownOption(String)
  case value(String, String?, String)
  case benchmark([String])
  case noFiles
  case noTokenizer
  case noTurns(String)

  private static let subjects = BenchmarkOptions.Subject.allCases.map { "'\($0.rawValue)'" }
    .joined(separator: ", ")

  var description: String {
    switch self {
    case .unknownOption(let option): "there is no option '\(option)'"
    case .value(let option, let value, let expected):
      "\(option) is \(value.map { "'\($0)'" } ?? "without a value"), expected \(expected)"
    case .benchmark(let names):
      names.isEmpty
        ? "no benchmark is named, expected one of \(Self.subjects)"
        : "'\(names.joined(separator: " "))' is no benchmark, expected one of \(Self.subjects)"
    case .noTokenizer: "'tokenizers' needs --tokenizer P and --text F"
    case .noTurns(let name): "--against is with '\(name)', expected 'ops' or 'model'"
    case .noFiles: "'table' needs --date D and at least one file of JSON lines"
    }
  }
}
