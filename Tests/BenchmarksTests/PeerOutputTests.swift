import Testing

@testable import benchmarks

@Suite("What a peer prints")
struct PeerOutputTests {
  private static let ours = ["a/1", "a/2"].map {
    ResultRow($0, threads: 1, timing: Timing(samples: [0.5]))
  }

  private static func row(_ name: String, _ implementation: String = "torch") -> String {
    """
    {"kind": "row", "case": "\(name)", "implementation": "\(implementation)", "threads": 1, \
    "median_ms": 2.5, "spread_ms": 0.5, "samples": 7}
    """
  }

  @Test("is kept where it is a result of a case of ours, and told apart from all else")
  func kept() throws {
    let versions = #"{"kind": "peer", "versions": ["torch 2"]}"#
    let printed = try PeerOutput(
      ["Loading…", versions, Self.row("a/2"), Self.row("b/1"), "{}"], besides: Self.ours,
      command: "peer")
    #expect(printed.lines == [versions, Self.row("a/2")])
    #expect(printed.rows.map(\.name) == ["a/2"])
    #expect(printed.remarks == ["Loading…", "{}"])
  }

  @Test(
    "is refused where it cannot be compared",
    arguments: [
      ([], PeerError.noRow(command: "peer", expected: "a/1")),
      (["hello"], .noRow(command: "peer", expected: "a/1")),
      ([row("b/1")], .otherCases(command: "peer", found: "b/1", expected: "a/1")),
      ([row("a/1", "meteora")], .ourName(command: "peer", "a/1")),
      (
        [#"{"kind": "row"}"#],
        .badLine(
          command: "peer", line: #"{"kind": "row"}"#, .missing(kind: "row", field: "implementation")
        )
      ),
    ])
  func refusals(printed: [String], expected: PeerError) {
    #expect(throws: expected) {
      try PeerOutput(printed, besides: Self.ours, command: "peer")
    }
  }
}
