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

  /// - Throws: ``PeerError``, ``ProgramError``, and what starting a process throws.
  func run() throws {
    var turns = PairedTurns()
    output.writeHeading(PairedRow.heading)
    for turn in 1...options.pairs {
      let ours = try runOurselves()
      let theirs = try runPeer(besides: ours)
      let pairs = PairedRow.pairs(ours, theirs, turn: turn)
      if pairs.isEmpty {
        throw PeerError.otherThreads(
          command: peer, found: theirs.first?.threads ?? 0, expected: options.parallelism.threads)
      }
      for pair in pairs {
        turns.add(pair)
        try output.write(pair, as: pair.text)
      }
    }
    output.writeHeading(PairedTurns.heading)
    for line in turns.lines { output.writeText(line) }
  }

  /// What both programs are asked for.
  private var shared: [String] {
    ["--threads", "\(options.parallelism.threads)", "--seconds", "\(options.budget.seconds)"]
      + ["--repeats", "\(options.budget.fewest)"] + options.only.flatMap { ["--only", $0] }
  }

  private func runOurselves() throws -> [ResultRow] {
    let ours = Program.ourselves([options.subject.rawValue, "--json"] + shared)
    return try ours.lines().compactMap { line in
      let result = try ResultLine(line)
      // The command that counts is the one that runs both.
      if case .command = result { return nil }
      output.relay(line)
      return if case .row(let row) = result { row } else { nil }
    }
  }

  private func runPeer(besides ours: [ResultRow]) throws -> [ResultRow] {
    let printed = try PeerOutput(
      Program.shell(peer, shared).lines(), besides: ours, command: peer)
    for remark in printed.remarks { Output.note("the peer says: \(remark)") }
    for line in printed.lines { output.relay(line) }
    return printed.rows
  }
}
