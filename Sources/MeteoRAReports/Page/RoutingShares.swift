import MeteoRA

/// How much of some tokens each adapter has.
struct RoutingShares {
  /// By adapter: the tokens that it dominates.
  private(set) var dominated: [Int]
  /// By adapter: the part of all weights that it has, 0 … 1.
  private(set) var shares: [Double]

  /// Over all modules, of the tokens that were run.
  init(_ sequences: [RoutingReport.Sequence], adapterCount: Int) {
    dominated = [Int](repeating: 0, count: adapterCount)
    shares = [Double](repeating: 0, count: adapterCount)
    var modules = 0
    for sequence in sequences {
      for token in 0..<sequence.runCount {
        modules += sequence.modules.count
        guard let routing = sequence.routing(of: token, adapterCount: adapterCount) else {
          continue
        }
        dominated[routing.dominantAdapter] += 1
        for (adapter, sum) in routing.sums.enumerated() { shares[adapter] += Double(sum) }
      }
    }
    if modules > 0 { shares = shares.map { $0 / Double(modules) } }
  }

  /// Over all tokens, of the modules of one layer.
  init(_ modules: some Sequence<ModuleRouting>, adapterCount: Int) {
    dominated = []
    shares = [Double](repeating: 0, count: adapterCount)
    var tokens = 0
    for module in modules {
      tokens += module.tokenCount
      for (adapter, weight) in zip(module.adapters, module.weights)
      where shares.indices.contains(Int(adapter)) {
        shares[Int(adapter)] += Double(weight)
      }
    }
    if tokens > 0 { shares = shares.map { $0 / Double(tokens) } }
  }

  /// The adapters with the largest shares, above 0.
  func largest(_ count: Int) -> [Int] {
    shares.indices.filter { shares[$0] > 0 }
      .sorted { (shares[$0], $1) > (shares[$1], $0) }
      .prefix(count).map { $0 }
  }

  /// A share as a reader wants it: `47.2 %`.
  static func percent(_ share: Double) -> String {
    if share.isNaN { return "not a number" }
    let tenths = Int((min(max(share, 0), 1) * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
