import Testing

@testable import benchmarks

@Suite("The JSON lines of a run")
struct ResultLineTests {
  @Test("bring back the row that they were written from")
  func row() throws {
    var row = ResultRow(
      "product/f32/1", threads: 2, timing: Timing(samples: [0.5, 0.25, 0.75]), bits: "equal")
    (row.gigabytesPerSecond, row.extraMegabytes, row.timesPlain) = (42.5, 1, 1.25)
    guard case .row(let read) = ResultLine(try Output.json(row)) else {
      Issue.record("no row")
      return
    }
    #expect(read == row)
  }

  @Test("hold the names that peers use")
  func names() throws {
    let line = """
      {"kind": "row", "case": "a/1", "implementation": "torch", "threads": 1, "median_ms": 2.5,
       "spread_ms": 0.5, "samples": 7, "extra_megabytes": 3.5, "gigabytes_per_second": 4.5}
      """
    guard case .row(let row) = ResultLine(line) else {
      Issue.record("no row")
      return
    }
    #expect((row.name, row.medianMs, row.samples) == ("a/1", 2.5, 7))
    #expect((row.extraMegabytes, row.gigabytesPerSecond) == (3.5, 4.5))
  }

  @Test("may have others between them", arguments: ["", "a warning", "{}", #"{"kind":"row"}"#])
  func others(line: String) {
    guard case .other = ResultLine(line) else {
      Issue.record("read as a result")
      return
    }
  }

  @Test("are paired with ours of the same case and number of threads only")
  func pairs() {
    func row(_ name: String, _ implementation: String, _ threads: Int, _ ms: Double) -> ResultRow {
      ResultRow(
        name, implementation: implementation, threads: threads,
        timing: Timing(samples: [ms / 1e3]))
    }
    let ours = [
      row("a", "meteora loop", 1, 9), row("a", "meteora", 1, 2), row("b", "meteora", 1, 1),
    ]
    let peers = [row("a", "torch", 1, 4), row("a", "torch", 2, 4), row("c", "torch", 1, 4)]
    let pairs = PairedRow.pairs(ours, peers, turn: 1)
    #expect(pairs.map(\.name) == ["a"])
    #expect(pairs.map(\.ratio) == [2])
  }
}
