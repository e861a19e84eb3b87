import Foundation
import Testing

@testable import benchmarks

@Suite("The tables of a run")
struct ResultsTableTests {
  private static func row(
    _ name: String, _ implementation: String = "meteora", threads: Int = 1, ms: Double,
    samples: Int = 3
  ) -> ResultRow {
    let timing = Timing(samples: Array(repeating: ms / 1e3, count: samples))
    var row = ResultRow(name, implementation: implementation, threads: threads, timing: timing)
    row.medianMs = ms
    return row
  }

  private static func peak(coresOfOthers: Double) throws -> MachinePeak? {
    let line = """
      {"kind": "peak", "moment": "after", "threads": 1, "gflops": 300.5, "median_gflops": 299,
       "gigabytes_per_second": 42.5, "median_gigabytes_per_second": 40, "load": 1,
       "cores_of_others": \(coresOfOthers)}
      """
    if case .peak(let peak) = try ResultLine(line) { return peak }
    return nil
  }

  @Test("hold each of our cases once, with the middle of its times")
  func own() {
    let rows = [3.0, 1, 2].map { Self.row("a/1", ms: $0) } + [Self.row("a/1", "torch", ms: 5)]
    #expect(
      ResultsTable(rows).text == """
        | case | threads | ms |
        | --- | --: | --: |
        | a/1 | 1 | 2.000 ± 0.000 |

        """)
  }

  @Test("say where there was one sample, and where a limit was exceeded")
  func exceptions() {
    var rows = [2.0, 1.92, 1.9].enumerated().map { index, ms in
      Self.row("a/\(index)", ms: ms, samples: 1)
    }
    for index in rows.indices { rows[index].rooflineMs = 2 }
    let lines = ResultsTable(rows).text.split(separator: "\n").dropFirst(2)
    #expect(
      lines == [
        "| a/0 | 1 | 2.000 once | 2.000 | 100 % |", "| a/1 | 1 | 1.920 once | 2.000 | 104 % |",
        "| a/2 | 1 | 1.900 once | 2.000 | > 100 % |",
      ])
  }

  @Test("compare a model with adapters with the model alone, of the same threads and weights")
  func timesPlain() {
    let rows = [
      Self.row("model/s/f32/plain/decode", ms: 2),
      Self.row("model/s/f32/plain/decode", threads: 2, ms: 1),
      Self.row("model/s/f32/28adapters/decode", ms: 3),
      Self.row("model/s/f32/28adapters/decode", threads: 2, ms: 2),
      Self.row("model/s/f16/28adapters/decode", ms: 3),
    ]
    let lines = ResultsTable(rows).text.split(separator: "\n")
    #expect(lines[0] == "| case | threads | ms | × plain |")
    let last = lines.map { $0.split(separator: "|").last.map { $0.filter { $0 != " " } } ?? "" }
    #expect(last[2...] == ["", "", "1.50", "2.00", ""])
  }

  @Test("hold each peer with the times of the turns, and every turn's ratio")
  func turns() {
    var turns = PairedTurns()
    var rows: [ResultRow] = [Self.row("a/1", ms: 1.5)]
    for (turn, (ours, peer)) in [(2.0, 4.0), (1.0, 3.0), (4.0, 6.0)].enumerated() {
      let (own, other) = (Self.row("a/1", ms: ours), Self.row("a/1", "torch", ms: peer))
      rows += [own, other]
      for pair in PairedRow.pairs([own], [other], turn: turn + 1) { turns.add(pair) }
    }
    rows.append(Self.row("a/1", "meteora loop", ms: 6))
    #expect(
      PeersTable(rows, turns: turns).text == """
        | case | threads | peer | peer, ms | ours, ms | peer / ours | turn by turn |
        | --- | --: | --: | --: | --: | --: | --: |
        | a/1 | 1 | torch | 4.000 | 2.000 | 2.00 | 2.00, 3.00, 1.50 |
        | a/1 | 1 | meteora loop | 6.000 | 2.000 | 3.00 | not in turns |

        """)
  }

  @Test("are one for each first part of a name; what uses one thread is listed for one")
  func groups() {
    let rows =
      ["product/1", "model/small", "product/2", "softmax/1"].map { Self.row($0, ms: 1) }
      + ["softmax/1", "sampling/1", "product/1"].map { Self.row($0, threads: 2, ms: 1) }
    let groups = MeasuredCases.groups(of: rows)
    #expect(groups.map(\.0) == ["product", "model", "softmax"])
    #expect(groups.map(\.1.count) == [3, 1, 1])
  }

  @Test("stand below date, machine, peers and a warning that the machine was busy")
  func document() throws {
    var machine = Machine(threads: 1)
    (machine.cpu, machine.cores, machine.load) = ("Some CPU", 2, 1.5)
    let peak = try #require(try Self.peak(coresOfOthers: 0.5))
    let peer = PeerVersions(versions: ["torch 2.13.0"], settings: "one way")
    let text = ResultsDocument(
      date: "2026-11-21",
      lines: [
        .command(RunCommand(["ops", "--against", "python a.py"])), .machine(machine), .peak(peak),
        .peer(peer), .peer(peer), .row(Self.row("a/1", ms: 1)),
        .row(Self.row("a/1", "torch", ms: 2)),
      ], notes: "## What is in the way\n"
    ).text
    #expect(text.hasSuffix(" |\n\n## What is in the way\n"))
    for part in [
      "- Date: 2026-11-21\n", "- CPU: Some CPU, 2 cores\n", "- Load: 1.00 to 1.50\n",
      "- Peer: torch 2.13.0 (one way)\n",
      "- Command: `swift run -c release benchmarks ops --against 'python a.py'`\n",
      "busy with other work",
      "| 1 | once | 300.5 – 300.5 – 300.5 | 42.5 – 42.5 – 42.5 |\n", "## a\n\n| case |",
      "### a: others\n\n| case |",
    ] {
      #expect(text.components(separatedBy: part).count == 2, "\(part)")
    }
  }

  @Test("leave out what no line tells")
  func withoutMachine() {
    let text = ResultsDocument(date: "today", lines: [.row(Self.row("a/1", ms: 1))]).text
    #expect(text.contains("- Date: today\n"))
    for part in ["CPU", "Load", "nan", "NaN"] { #expect(!text.contains("- \(part)")) }
  }
}
