/// The (token, adapter) terms of a tile of tokens, sorted by adapter, in quads for the up-projection.
struct RoutedTerms {
  /// Rows of x that are multiplied together.
  static let rowsAtATime = 8

  /// The terms of one adapter. Nothing in it is counted by reference: it is visited for every panel.
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
  }

  let tokens: Range<Int>
  private let bank: LoRABank
  /// Adapters that have terms, ascending.
  private(set) var groups: [Group] = []
  /// Row of every term among the tile's tokens; behind the last one where a quad is not full.
  private var rows: [Int32] = []
  /// `c = w · s` of every term.
  private var factors: [Float] = []
  private let memory: AlignedMemory

  init(_ routing: Routing, tokens: Range<Int>, bank: LoRABank) {
    self.tokens = tokens
    self.bank = bank
    // Counting sort: ascending adapter, and ascending token inside.
    let range = tokens.lowerBound * routing.topK..<tokens.upperBound * routing.topK
    var next = [Int](repeating: 0, count: bank.parts.count)
    for term in range { next[Int(routing.adapters[term])] += 1 }
    var (places, elements) = (0, 0)
    for index in bank.parts.indices {
      guard next[index] > 0, let part = bank.parts[index] else { continue }
      let padded = (next[index] + 3) / 4 * 4
      places += padded
      elements += padded * part.rank
    }
    memory = AlignedMemory(byteCount: elements * MemoryLayout<Float>.size)
    rows = [Int32](repeating: Int32(tokens.count), count: places)
    factors = [Float](repeating: 0, count: places)
    var z = memory.floats
    var place = 0
    for index in bank.parts.indices {
      let count = next[index]
      next[index] = place
      guard count > 0, let part = bank.parts[index] else { continue }
      groups.append(
        Group(adapter: index, rank: part.rank, count: count, first: place, z: z, b: part.b))
      let padded = (count + 3) / 4 * 4
      place += padded
      z += padded * part.rank
    }
    for term in range {
      let index = Int(routing.adapters[term])
      guard let part = bank.parts[index] else { continue }
      let place = next[index]
      next[index] += 1
      rows[place] = Int32(truncatingIfNeeded: term / routing.topK - tokens.lowerBound)
      factors[place] = routing.weights[term] * part.scaling
    }
  }

  /// Computes `z = A · x` of all terms, in one parallel region.
  static func projectDown(
    _ tiles: [RoutedTerms], x: UnsafePointer<Float>, parallelism: Parallelism
  ) {
    let work = tiles.indices.flatMap { index in
      tiles[index].groups.flatMap { group in
        stride(from: 0, to: group.count, by: rowsAtATime).map { (index, group, $0) }
      }
    }
    parallelism.forEachRange(of: work.count) { range in
      for (index, group, first) in work[range] {
        tiles[index].projectDown(group, from: first, x: x)
      }
    }
  }

  /// Computes z of up to eight terms of a group.
  private func projectDown(_ group: Group, from first: Int, x: UnsafePointer<Float>) {
    guard let adapter = bank.adapters[group.adapter] else { return }
    let (rank, inFeatures) = (group.rank, bank.inFeatures)
    let count = min(Self.rowsAtATime, group.count - first)
    let padded = (count + 3) / 4 * 4
    withUnsafeTemporaryAllocation(
      of: UnsafePointer<Float>.self, capacity: Self.rowsAtATime
    ) { pointers in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.rowsAtATime * rank) { scratch in
        guard let inputs = pointers.baseAddress, let products = scratch.baseAddress else { return }
        for term in 0..<count {
          let row = tokens.lowerBound + Int(rows[group.first + first + term])
          (inputs + term).initialize(to: x + row * inFeatures)
        }
        if first == 0 {
          let start = adapter.a.firstBlock.base
          touchLines(
            start, byteCount: min(adapter.a.endOfMemory - start, 64 << 10), witness: products)
        }
        adapter.a.multiply(
          adapter.a.panels[...], rows: inputs, count: count, to: products, yStride: rank)
        let z = group.z + first * rank
        for term in 0..<padded {
          let place = z + term / 4 * 4 * rank + term % 4
          for k in 0..<rank { place[4 * k] = term < count ? products[term * rank + k] : 0 }
        }
      }
    }
  }

  /// Panels whose updates are computed together: they stay in the second-level cache until they are
  /// added, and B is read in pieces as long as that allows, since memory is fast only where it is
  /// read on and on.
  var panelsAtATime: Int { max((1 << 18) / panelElements, 1) }

  /// Elements of the updates of a panel.
  private var panelElements: Int { (tokens.count + 1) * PanelWidth.wide.rawValue }

  /// Computes the updates of the outputs of some panels.
  func projectUp(_ panels: ArraySlice<WeightMatrix.Panel>) -> PanelUpdates {
    let wide = PanelWidth.wide.rawValue
    let widest = groups.lazy.filter { $0.b.format != .float32 }.map(\.rank).max() ?? 0
    let count = panels.count * panelElements
    let memory = AlignedMemory(byteCount: (count + widest * wide + 1) * MemoryLayout<Float>.size)
    memory.floats.update(repeating: 0, count: count)
    for group in groups {
      add(group, panels, to: memory.floats, updates: panelElements, widened: memory.floats + count)
    }
    return PanelUpdates(memory: memory, first: panels.startIndex, stride: panelElements)
  }

  private func add(
    _ group: Group, _ panels: ArraySlice<WeightMatrix.Panel>, to d: UnsafeMutablePointer<Float>,
    updates: Int, widened: UnsafeMutablePointer<Float>
  ) {
    rows.withUnsafeBufferPointer { rows in
      factors.withUnsafeBufferPointer { factors in
        guard let rows = rows.baseAddress, let factors = factors.baseAddress,
          let first = panels.first, let last = panels.last
        else { return }
        let outputBytes = group.rank * group.b.format.byteWidth
        // Only the last panel may hold padding: those before it are as long as their outputs.
        let start = group.b.base + first.firstOutput * outputBytes
        let count = last.firstOutput + last.width.rawValue - first.firstOutput
        touchLines(start, byteCount: count * outputBytes, witness: widened)
        let quads = TermQuads(
          count: (group.count + 3) / 4, z: group.z, rows: rows + group.first,
          factors: factors + group.first)
        for (index, panel) in panels.enumerated() {
          var weights = group.b
          weights.base += panel.firstOutput * outputBytes
          weights.width = panel.width
          weights.stride = panel.width.rawValue * weights.format.byteWidth
          if weights.format != .float32 {
            widenBlock(weights, count: group.rank, into: widened)
            weights.base = UnsafeRawPointer(widened)
          }
          addTerms(
            quads, rank: group.rank, weights: weights.base, width: panel.width,
            to: d + index * updates)
        }
      }
    }
  }
}
