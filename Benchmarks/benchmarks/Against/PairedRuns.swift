/// Runs another program in turn with this one, A B A B …, so that what disturbs the machine
/// disturbs both, and compares the times of each turn.
struct PairedRuns {
  private let options: BenchmarkOptions
  private let peer: String
  private let output: Output

  init(_ options: BenchmarkOptions, peer: String) {
    self.options = options
    self.peer = peer
    output = Output(isJSON: options.isJSON)
  }

  func run() throws {
    var ratios = PairedRatios()
    output.writeHeading(PairedRow.heading)
    for turn in 1...options.pairs {
      let ours = Program.ourselves([options.subject.rawValue, "--json"] + shared)
      let rows = try relay(ours)
      for pair in PairedRow.pairs(rows, try relay(.shell(peer, shared)), turn: turn) {
        ratios.add(pair)
        try output.write(pair, as: pair.text)
      }
    }
    if ratios.isEmpty { Output.note("no case of the peer is one of ours") }
    output.writeHeading(PairedRatios.heading)
    for line in ratios.lines { output.writeText(line) }
  }

  /// What both programs are asked for.
  private var shared: [String] {
    ["--threads", "\(options.parallelism.threads)", "--seconds", "\(options.budget.seconds)"]
      + ["--repeats", "\(options.budget.fewest)"] + options.only.flatMap { ["--only", $0] }
  }

  private func relay(_ program: Program) throws -> [ResultRow] {
    try program.lines().compactMap { line in
      let result = ResultLine(line)
      // The command that counts is the one that runs both.
      if case .command = result { return nil }
      output.relay(line)
      return if case .row(let row) = result { row } else { nil }
    }
  }
}
