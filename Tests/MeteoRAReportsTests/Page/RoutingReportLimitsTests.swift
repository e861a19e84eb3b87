import MeteoRA
import Testing

@testable import MeteoRAReports

@Suite("The limits of a page")
struct RoutingReportLimitsTests {
  private func requireRoom(
    sequences: Int = 1, tokens: Int, layers: Int = 32, modules: Int = 7, topK: Int = 2,
    adapters: Int = 28
  ) throws {
    let report = RoutingReport(
      model: "m", adapterNames: (0..<adapters).map { "adapter\($0)" },
      router: RouterConfiguration(topK: topK), kernel: .tiled)
    try report.requireRoom(
      sequences: sequences, tokens: tokens,
      in: RoutingScope(
        adapters: Array(0..<adapters),
        moduleCounts: [Int](repeating: modules, count: layers), topK: topK))
  }

  @Test("bytes are counted for weights, tokens, sections and names")
  func bytes() throws {
    try requireRoom(tokens: 35_600)
    #expect(throws: RoutingReportError.self) { try requireRoom(tokens: 35_700) }
    // One module is little, so that tokens count; with many sections, tables of layers do.
    try requireRoom(tokens: 1 << 18, layers: 1, modules: 1, topK: 1)
    try requireRoom(sequences: 3600, tokens: 3600)
    #expect(throws: RoutingReportError.self) { try requireRoom(sequences: 3800, tokens: 3800) }
    // Layers in which nothing routes have no row.
    try requireRoom(sequences: 50_000, tokens: 50_000, modules: 0)
    var named = RoutingReport(
      model: "m", adapterNames: ["a", "b"], router: RouterConfiguration(), kernel: .tiled)
    let scope = RoutingScope(adapters: [0, 1], moduleCounts: [7, 7], topK: 2)
    try named.requireRoom(sequences: 1000, tokens: 1000, in: scope)
    named.adapterNames = [String(repeating: "a", count: 1 << 17), "b"]
    #expect(throws: RoutingReportError.self) {
      try named.requireRoom(sequences: 1000, tokens: 1000, in: scope)
    }
  }

  @Test("the largest counts overflow nothing")
  func overflow() throws {
    #expect(throws: RoutingReportError.tooManyTokens(count: .max, limit: 1 << 18)) {
      try requireRoom(sequences: .max, tokens: .max, modules: 1 << 57, topK: .max)
    }
    #expect(throws: RoutingReportError.tooLarge(tokens: 1, byteCount: 1 << 62, limit: 1 << 26)) {
      try requireRoom(sequences: .max, tokens: 1, layers: 1, modules: .max, topK: .max)
    }
  }

  @Test("too many tokens or adapters are refused, and named")
  func counts() throws {
    try requireRoom(tokens: 1, adapters: 1024)
    #expect(throws: RoutingReportError.tooManyAdapters(count: 1025, limit: 1024)) {
      try requireRoom(tokens: 1, adapters: 1025)
    }
    try requireRoom(tokens: 1 << 18, layers: 0)
    #expect(throws: RoutingReportError.tooManyTokens(count: 1 << 18 + 1, limit: 1 << 18)) {
      try requireRoom(tokens: 1 << 18 + 1, layers: 0)
    }
    let sentences = [
      (RoutingReportError.tooManyAdapters(count: 9, limit: 8), "has 9 adapters, a page can show 8"),
      (.tooManyTokens(count: 9, limit: 8), "would show 9 tokens, a page can show 8"),
      (
        .tooLarge(tokens: 1, byteCount: 9, limit: 8),
        "page of 1 token would take about 9 bytes, a page can take 8"
      ),
    ]
    for (error, sentence) in sentences { #expect("\(error)".contains(sentence)) }
  }

  @Test("a report with too much in it is no page")
  func report() throws {
    let choices: [(adapter: Int, weight: Float)] = [(0, 1), (1, 0)]
    let names = (0..<1025).map { "\($0)" }
    #expect(throws: RoutingReportError.tooManyAdapters(count: 1025, limit: 1024)) {
      try RoutingReport.example(names: names, [("a", choices)]).page()
    }
    var long = RoutingReport.example([("a", choices)])
    long.sequences[0].tokens = [RoutingReport.Token](
      repeating: long.sequences[0].tokens[0], count: 1 << 18 + 1)
    #expect(throws: RoutingReportError.tooManyTokens(count: 1 << 18 + 1, limit: 1 << 18)) {
      try long.page()
    }
  }

  @Test("the estimate is near the size of a page", arguments: [1, 30, 3000])
  func estimate(tokens: Int) throws {
    let first: [(adapter: Int, weight: Float)] = [(0, 0.75), (1, 0.25)]
    let second: [(adapter: Int, weight: Float)] = [(1, 0.75), (0, 0.25)]
    var report = RoutingReport.example(
      (0..<tokens).map { (" t\($0)", $0 % 3 == 0 ? first : second) })
    report.sequences += report.sequences
    let actual = try report.page().utf8.count
    let scope = RoutingScope(adapters: [0, 1], moduleCounts: [0, 0, 0, 1], topK: 2)
    let estimated = PageExtent(sequences: 2, tokens: 2 * tokens, in: scope)
      .estimatedByteCount(names: report.adapterNames)
    #expect(estimated == PageExtent(of: report).estimatedByteCount(names: report.adapterNames))
    #expect(Double(estimated) > 0.7 * Double(actual), "\(estimated) \(actual)")
    #expect(Double(estimated) < 1.4 * Double(actual), "\(estimated) \(actual)")
  }
}
