// RoutedTerms: what a tile of tokens adds in one module, sorted so that an adapter's weights are
// read once for all tokens that chose it.
//
//   tokens   0: e1 e4    1: e0 e4    2: e1 e4    3: e4 e9    …            topK terms each
//
//   groups   e0 │ e1    │ e4         │ e9            ascending adapter, ascending token inside
//   rows      1 │ 0  2  │ 0  1  2  3 │ 3             padded to quads; padding is a row of its own
//   factors   w · s of every term, zero where there is padding
//   z         [quad][rank][4]                        A · x of four terms side by side
//
// What is computed with them: see RoutedTerms+Projection.swift.

/// The (token, adapter) terms of a tile of tokens, sorted by adapter, in quads for the
/// up-projection.
struct RoutedTerms {
  /// The terms of one adapter. Nothing in it is counted by reference: it is visited for every
  /// panel.
  struct Group {
    var adapter: Int
    var rank: Int
    var count: Int
    /// Place of its first term.
    var first: Int
    /// `[quads, rank, 4]`.
    var z: UnsafeMutablePointer<Float>
    /// The first panel of B.
    var b: WeightBlock

    var quads: Int { RoutedTerms.quads(of: count) }
  }

  let tokens: Range<Int>
  let bank: LoRABank
  /// What x is multiplied by before A, and what the update of an output is, while training.
  let dropout: (input: LoRADropout?, output: LoRADropout?)
  /// Adapters that have terms, ascending.
  private(set) var groups: [Group] = []
  /// Row of every term among the tile's tokens; behind the last one where a quad is not full.
  private(set) var rows: [Int32] = []
  /// `c = w · s` of every term.
  private(set) var factors: [Float] = []
  /// Holds every group's z.
  private let memory: AlignedMemory

  /// - Parameters:
  ///   - routing: Of as many adapters as `bank` has.
  ///   - tokens: A range of the routing's.
  init(
    _ routing: Routing, tokens: Range<Int>, bank: LoRABank,
    dropout: (input: LoRADropout?, output: LoRADropout?) = (nil, nil)
  ) {
    self.tokens = tokens
    self.dropout = dropout
    self.bank = bank
    let terms = tokens.lowerBound * routing.topK..<tokens.upperBound * routing.topK
    // A counting sort: `next` counts the terms of an adapter, then tells the place of its next one.
    var next = [Int](repeating: 0, count: bank.parts.count)
    for term in terms { next[Int(routing.adapters[term])] += 1 }
    var (places, elements) = (0, 0)
    for (index, part) in bank.parts.enumerated() {
      guard let part else { continue }
      let padded = 4 * Self.quads(of: next[index])
      places += padded
      elements += padded * part.rank
    }
    memory = AlignedMemory(byteCount: elements * MemoryLayout<Float>.size)
    rows = [Int32](repeating: Int32(tokens.count), count: places)
    factors = [Float](repeating: 0, count: places)
    var z = memory.floats
    var place = 0
    for (index, part) in bank.parts.enumerated() {
      let count = next[index]
      next[index] = place
      guard count > 0, let part else { continue }
      let group = Group(
        adapter: index, rank: part.rank, count: count, first: place, z: z, b: part.b)
      groups.append(group)
      place += 4 * group.quads
      z += 4 * group.quads * part.rank
    }
    for term in terms {
      let index = Int(routing.adapters[term])
      guard let part = bank.parts[index] else { continue }
      let place = next[index]
      next[index] += 1
      rows[place] = Int32(truncatingIfNeeded: term / routing.topK - tokens.lowerBound)
      factors[place] = routing.weights[term] * part.scaling
    }
  }

  /// Fours that hold `count` terms.
  private static func quads(of count: Int) -> Int { (count + 3) / 4 }

  /// Elements of z (64 MiB) that are held at a time, unless a single token has more.
  static let elementBudget = 16 << 20

  /// Elements of z of `tokens` tokens, at most, if they are sorted together. Each tile more may fill
  /// up as many quads again, which is little beside its terms.
  static func mostElements(tokens: Int, topK: Int, bank: LoRABank) -> Int {
    let ranks = bank.descendingRanks
    // Every adapter may fill up a quad.
    return tokens * ranks.prefix(topK).reduce(0, +) + 4 * ranks.reduce(0, +)
  }
}
