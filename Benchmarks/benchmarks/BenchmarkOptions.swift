import MeteoRAKernels

/// What the command line asks for.
struct BenchmarkOptions {
  static let help = """
    usage: benchmarks ops [options]
           benchmarks model [options]
           benchmarks training [options]
           benchmarks tokenizers --tokenizer P --text F [--json]
           benchmarks table --date D [--notes F] [--output F] FILE…

      ops             products, LoRA-MoE layers, attention, norms, softmax, sampling
      model           opening, prompts and decoding of whole models with random weights, which
                      are written once to a folder of the system's temporary directory
      training        optimiser steps of gates and adapters of the small one of these models
      tokenizers      opening, encoding, decoding and streaming on one thread
      table           a page of Markdown of the JSON lines of one run

    ops, model and training
      --threads N     threads of an operation, 1 to \(Parallelism.maximumThreads) (1)
      --only NAME     the case of this name, or else all whose names begin so; repeatable
      --seconds S     time that a row's samples take together, at least (0.5)
      --repeats N     samples of a row, at least (3)
      --json          one JSON object a line: command, machine, peaks, rows
      --against CMD   runs another program in turn with this one, and prints the ratios of their
                      times pair by pair; it gets --threads, --only, --seconds and --repeats
                      behind its own arguments and prints the same JSON lines
      --pairs N       turns of each (3)
    tokenizers
      --tokenizer P   a tokenizer.json, a tokenizer.model or their folder; repeatable
      --text F        the text to encode; Benchmarks/peers/make_text.py writes one
      --json          one JSON object a line
    table
      --date D        the date above the tables
      --notes F       Markdown to put behind the tables
      --output F      the file to write, instead of standard output
    all
      --help          this page

    '--option VALUE' may be written '--option=VALUE'.
    """

  /// What can be asked for.
  enum Subject: String, CaseIterable {
    case ops, model, training, tokenizers, table

    /// The options that mean something to it.
    var options: Set<String> {
      let measuring: Set = [
        "--threads", "--only", "--seconds", "--repeats", "--json", "--against", "--pairs",
      ]
      return switch self {
      case .ops: measuring
      case .model: measuring.union(["--model-case", "--started"])
      case .training: measuring.union(["--model-case"])
      case .tokenizers: ["--tokenizer", "--text", "--json"]
      case .table: ["--date", "--notes", "--output"]
      }
    }

    /// The names of all its cases, in the order in which they are measured.
    var caseNames: [String] {
      switch self {
      case .ops:
        ProductBenchmark.caseNames + LoRABenchmark.caseNames + AttentionBenchmark.caseNames
          + RowBenchmark.caseNames + SamplingBenchmark.caseNames
      case .model: ModelBenchmark.caseNames
      case .training: TrainingBenchmark.caseNames
      case .tokenizers, .table: []
      }
    }
  }

  var subject = Subject.ops
  var parallelism = Parallelism.serial
  /// As they were given; ``selection`` says what they mean.
  var only: [String] = []
  var selection = CaseSelection.all
  var budget = TimeBudget()
  var isJSON = false
  var peer: String?
  var pairs = 3
  var date: String?
  var notes: String?
  /// Where `table` writes; standard output if `nil`.
  var output: String?
  var tokenizers: [String] = []
  var text: String?
  /// What `table` reads.
  var files: [String] = []
  /// Set where `model` and `training` call themselves: one case, in a process of its own.
  var modelCase: String?
  /// When that process was started, see ``MonotonicTime``.
  var started: UInt64?
  var wantsHelp = false

  init(_ arguments: [String]) throws(UsageError) {
    var names: [String] = []
    var given: [String] = []
    var words = arguments[...]
    while let word = words.popFirst() {
      if !word.hasPrefix("-") {
        names.append(word)
        continue
      }
      // `--option=value` is `--option value`.
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let option = String(parts[0])
      let attached = parts.count > 1 ? String(parts[1]) : nil
      if Self.flags.contains(option), let attached { throw .valueOfFlag(option, attached) }
      given.append(option)
      try set(option) { attached ?? words.popFirst() }
    }
    if wantsHelp { return }
    guard let name = names.first, let subject = Subject(rawValue: name) else {
      throw .benchmark(names)
    }
    self.subject = subject
    files = Array(names.dropFirst())
    try requireOptions(given)
    if subject == .table {
      if date == nil || files.isEmpty { throw .noFiles }
    } else if !files.isEmpty {
      throw .words(of: subject.rawValue, files)
    }
    if subject == .tokenizers, tokenizers.isEmpty || text == nil { throw .noTokenizer }
    selection = try CaseSelection(only, of: subject)
  }

  private static let flags: Set = ["--help", "-h", "--json"]

  /// Follows one option; `next` takes its value.
  private mutating func set(
    _ option: String, _ next: () -> String?
  ) throws(UsageError) {
    switch option {
    case "--help", "-h": wantsHelp = true
    case "--json": isJSON = true
    case "--threads": parallelism = try Self.parallelism(next())
    case "--only": only.append(try Self.text(next(), of: option))
    case "--seconds":
      budget.seconds = try Self.number(next(), of: option, in: 0...3600, "0 to 3600")
    case "--repeats": budget.fewest = try Self.number(next(), of: option, in: 1...10_000)
    case "--against": peer = try Self.text(next(), of: option)
    case "--pairs": pairs = try Self.number(next(), of: option, in: 1...1000)
    case "--tokenizer": tokenizers.append(try Self.text(next(), of: option))
    case "--text": text = try Self.text(next(), of: option)
    case "--date": date = try Self.text(next(), of: option)
    case "--notes": notes = try Self.text(next(), of: option)
    case "--output": output = try Self.text(next(), of: option)
    case "--model-case": modelCase = try Self.text(next(), of: option)
    case "--started": started = try Self.number(next(), of: option, in: 0...(.max))
    default: throw .unknownOption(option)
    }
  }

  /// Throws where an option would be without effect.
  private func requireOptions(_ given: [String]) throws(UsageError) {
    for option in given where !subject.options.contains(option) {
      let others = Subject.allCases.filter { $0.options.contains(option) }
      throw .optionOfOthers(option, of: subject.rawValue, others: others.map(\.rawValue))
    }
    if given.contains("--pairs"), peer == nil { throw .pairsWithoutPeer }
  }

  private static func text(_ text: String?, of option: String) throws(UsageError) -> String {
    guard let text, !text.isEmpty else { throw .value(option, text, "a text") }
    return text
  }

  /// - Parameter allowed: How the range is told, if not by its bounds.
  private static func number<Number: LosslessStringConvertible & Comparable>(
    _ text: String?, of option: String, in range: ClosedRange<Number>, _ allowed: String? = nil
  ) throws(UsageError) -> Number {
    guard let number = text.flatMap({ Number($0) }), range.contains(number) else {
      let allowed = allowed ?? "\(range.lowerBound) to \(range.upperBound)"
      throw .value(option, text, "a number from \(allowed)")
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
