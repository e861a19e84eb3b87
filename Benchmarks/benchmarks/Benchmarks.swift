import Foundation

/// `swift run -c release benchmarks ops|model|tokenizers|table`: times what was checked before, bit
/// by bit.
@main
struct Benchmarks {
  static func main() {
    let options: BenchmarkOptions
    do throws(UsageError) {
      options = try BenchmarkOptions(Array(CommandLine.arguments.dropFirst()))
    } catch {
      Output.note("\(error); see benchmarks --help")
      exit(64)
    }
    if options.wantsHelp {
      print(BenchmarkOptions.help)
      return
    }
    do {
      try run(options)
    } catch {
      Output.note(sentence(of: error))
      exit(1)
    }
  }

  /// What each subject runs.
  private static func run(_ options: BenchmarkOptions) throws {
    if options.isJSON, options.modelCase == nil {
      try Output(isJSON: true).write(RunCommand(CommandLine.arguments.dropFirst()), as: "")
    }
    if let peer = options.peer {
      return try PairedRuns(options, peer: peer).run()
    }
    switch options.subject {
    case .ops:
      try BenchmarkRun.begin(options) { run in
        try run.withTeam { run in
          try ProductBenchmark(run: run).measureAll()
          try LoRABenchmark(run: run).measureAll()
          try AttentionBenchmark(run: run).measureAll()
          try RowBenchmark(run: run).measureAll()
          try SamplingBenchmark(run: run).measureAll()
        }
      }
    case .model:
      if let name = options.modelCase {
        try ModelMeasurement(named: name, options).run()
      } else {
        try BenchmarkRun.begin(options) { run in try ModelBenchmark(run: run).measureAll() }
      }
    case .training:
      if let name = options.modelCase {
        try TrainingMeasurement(named: name, options).run()
      } else {
        try BenchmarkRun.begin(options) { run in try TrainingBenchmark(run: run).measureAll() }
      }
    case .tokenizers:
      let output = Output(isJSON: options.isJSON)
      let machine = Machine(threads: 1)
      try output.write(machine, as: machine.description)
      try TokenizerBenchmark(options, output: output).run()
    case .table:
      let page = try ResultsDocument(options).text
      if let path = options.output {
        try TextFile.write(page, to: path)
      } else {
        print(page, terminator: "")
      }
    }
  }

  /// Errors of this package describe themselves; Foundation's need the file and the reason.
  private static func sentence(of error: any Error) -> String {
    guard error is CocoaError || type(of: error) == NSError.self else { return "\(error)" }
    let path = (error as NSError).userInfo[NSFilePathErrorKey] as? String
    return (path.map { "'\($0)': " } ?? "") + systemReason(of: error)
  }
}
