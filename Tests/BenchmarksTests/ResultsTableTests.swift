import Testing

@testable import benchmarks

@Suite("The tables of a run")
struct ResultsTableTests {
  private static func row(_ name: String, _ implementation: String, ms: Double) -> ResultRow {
    var row = ResultRow(
      name, implementation: implementation, threads: 1, timing: Timing(samples: [ms / 1e3]))
    row.medianMs = ms
    return row
  }

  private static func peak(coresOfOthers: Double) -> MachinePeak? {
    let line = """
      {"kind": "peak", "moment": "after", "threads": 1, "gflops": 300.5, "median_gflops": 299,
       "gigabytes_per_second": 42.5, "median_gigabytes_per_second": 40, "load": 1,
       "cores_of_others": \(coresOfOthers)}
      """
    if case .peak(let peak) = ResultLine(line) { return peak }
    return nil
  }

  @Test("hold a case once, with each peer's time and its ratio to ours")
  func peers() {
    let rows = [
      Self.row("product/f32/1", "meteora", ms: 2), Self.row("product/f32/1", "torch", ms: 5),
    ]
    #expect(
      ResultsTable(rows, ratios: PairedRatios()).text == """
        | case | threads | ms | torch, ms |
        | --- | --: | --: | --: |
        | product/f32/1 | 1 | 2.000 ± 0.000 | 5.000 (2.50) |

        """)
  }

  @Test("take the ratio of the turns where there are any, and the turn in the middle")
  func turns() {
    var ratios = PairedRatios()
    var rows: [ResultRow] = []
    for (turn, (ours, peer)) in [(2.0, 4.0), (1.0, 3.0), (4.0, 6.0)].enumerated() {
      let (own, other) = (Self.row("a/1", "meteora", ms: ours), Self.row("a/1", "torch", ms: peer))
      rows += [own, other]
      for pair in PairedRow.pairs([own], [other], turn: turn + 1) { ratios.add(pair) }
    }
    let text = ResultsTable(rows, ratios: ratios).text
    #expect(text.hasSuffix("| a/1 | 1 | 2.000 ± 0.000 | 4.000 (2.00) |\n"))
  }

  @Test("are one for each first part of a name")
  func groups() {
    let rows = ["product/1", "model/small", "product/2"].map { Self.row($0, "meteora", ms: 1) }
    let groups = ResultsTable.groups(of: rows)
    #expect(groups.map(\.0) == ["product", "model"])
    #expect(groups.map { $0.1.map(\.name) } == [["product/1", "product/2"], ["model/small"]])
  }

  @Test("stand below date, machine, peers and a warning that the machine was busy")
  func document() throws {
    var machine = Machine(threads: 1)
    (machine.cpu, machine.cores, machine.load) = ("Some CPU", 2, 1.5)
    let peak = try #require(Self.peak(coresOfOthers: 0.5))
    let peer = PeerVersions(versions: ["torch 2.13.0"], settings: "one way")
    let text = ResultsDocument(
      date: "2026-11-21",
      lines: [
        .command(RunCommand(["ops", "--against", "python a.py"])), .machine(machine), .peak(peak),
        .peer(peer),
        .peer(peer),
        .other, .row(Self.row("a/1", "meteora", ms: 1)),
      ], notes: "## What is in the way\n"
    ).text
    #expect(text.hasSuffix(" |\n\n## What is in the way\n"))
    for part in [
      "- Date: 2026-11-21\n", "- CPU: Some CPU, 2 cores\n", "- Peer: torch 2.13.0 (one way)\n",
      "- Command: `swift run -c release benchmarks ops --against 'python a.py'`\n",
      "busy with other work",
      "| 1 | after | 300.5 (median 299.0) | 42.5 (median 40.0) |\n", "## a\n\n| case |",
    ] {
      #expect(text.components(separatedBy: part).count == 2, "\(part)")
    }
  }
}
