import MeteoRA

/// How much of everything a page shows; products as `Double`, where they cannot overflow.
struct PageExtent {
  let sequences: Int
  let tokens: Int
  /// Linear modules, again in each sequence.
  private let modules: Double
  /// Layers, again in each sequence.
  private let layers: Double
  /// Choices of an adapter, over all tokens and modules.
  private let choices: Double

  /// At most, of sequences that were not run yet.
  init(sequences: Int, tokens: Int, in scope: RoutingScope) {
    self.sequences = sequences
    self.tokens = tokens
    let count = scope.moduleCounts.reduce(0) { $0 + Double($1) }
    modules = Double(sequences) * count
    layers = Double(sequences) * Double(scope.moduleCounts.count { $0 > 0 })
    choices = Double(tokens) * count * Double(scope.topK)
  }

  /// Of what there is.
  init(of report: RoutingReport) {
    let all = report.sequences
    sequences = all.count
    tokens = all.reduce(0) { $0 + $1.tokens.count }
    modules = all.reduce(0) { $0 + Double($1.modules.count) }
    layers = all.reduce(0) { $0 + Double(Set($1.modules.map(\.layer)).count) }
    choices = all.reduce(0) { sum, sequence in
      sequence.modules.reduce(sum) { $0 + Double($1.adapters.count) }
    }
  }

  /// About the size of the page: tokens and prompts are taken to have the usual few bytes of text.
  ///
  /// - Parameter names: Those of the adapters.
  func estimatedByteCount(names: [String]) -> Int {
    let adapters = Double(names.count)
    let letters = Double(names.reduce(0) { $0 + $1.utf8.count })
    let longest = Double(names.reduce(0) { max($0, $1.utf8.count) })
    let header = 16_000 + 220 * adapters + letters
    // Of a layer five shares.
    let sections =
      700 * Double(sequences) + (50 + min(adapters, 5) * (70 + longest)) * layers + 6 * modules
    // A token can begin a run, which names its adapter.
    return Int(min(header + sections + (80 + longest) * Double(tokens) + 4 * choices, 0x1p62))
  }
}
