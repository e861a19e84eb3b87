import Testing

@testable import benchmarks

/// Of a row, beside threads and median.
private let otherFields =
  #""case": "a/1", "implementation": "torch", "spread_ms": 0.5, "samples": 7"#

@Suite("The JSON lines of a run")
struct ResultLineTests {
  @Test("bring back the row that they were written from")
  func row() throws {
    var row = ResultRow(
      "product/f32/1", threads: 2, timing: Timing(samples: [0.5, 0.25, 0.75]), bits: "equal")
    (row.gigabytesPerSecond, row.extraMegabytes, row.timesPlain) = (42.5, 1, 1.25)
    guard case .row(let read) = try ResultLine(try Output.json(row)) else {
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
    guard case .row(let row) = try ResultLine(line) else {
      Issue.record("no row")
      return
    }
    #expect((row.name, row.medianMs, row.samples) == ("a/1", 2.5, 7))
    #expect((row.extraMegabytes, row.gigabytesPerSecond) == (3.5, 4.5))
  }

  @Test(
    "are told from all others, whose fault is named",
    arguments: [
      ("", ResultLineError.noResult), ("a warning", .noResult), ("{}", .noResult),
      (#"{"kind":3}"#, .noResult), (#"{"kind":"tea"}"#, .unknownKind("tea")),
      (#"{"kind":"row"}"#, .missing(kind: "row", field: "implementation")),
      (
        #"{"kind":"row", "threads": 1, \#(otherFields)}"#, .missing(kind: "row", field: "median_ms")
      ),
      (
        #"{"kind":"row", "threads": 1, "median_ms": "long", \#(otherFields)}"#,
        .wrong(kind: "row", field: "median_ms", expected: "a value of its type")
      ),
      (
        #"{"kind":"row", "threads": 1, "median_ms": -2, \#(otherFields)}"#,
        .wrong(kind: "row", field: "median_ms", expected: "a number above 0")
      ),
      (
        #"{"kind":"row", "threads": 1, "median_ms": 2, "gflops": -1, \#(otherFields)}"#,
        .wrong(kind: "row", field: "gflops", expected: "a number that is not negative")
      ),
    ])
  func others(line: String, expected: ResultLineError) {
    #expect(throws: expected) { try ResultLine(line) }
  }

  @Test("hold the command as a shell takes it")
  func command() {
    let command = RunCommand(["ops", "--only", "a/1", "--against", "python 'a b.py' $x", ""])
    let text = #"ops --only a/1 --against 'python '\''a b.py'\'' $x' ''"#
    #expect(command.text == "swift run -c release benchmarks " + text)
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
