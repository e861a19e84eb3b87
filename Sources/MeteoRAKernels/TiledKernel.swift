import MeteoRAMath

// TiledKernel: tokens grouped by adapter, tiles of tokens × outputs.
//
//   256 tokens at a time; their (token, adapter) terms sorted by adapter:
//
//     term      0   1   2   3   4   5   6 …          e(term) ascending, t ascending inside
//     z[term] = A[e] · x[t]                          region 1: threads split the terms
//
//     for each panel of 32 outputs:                  region 2: threads split the panels
//       for e ascending, for the terms of e:
//         d[t][panel] = fma(c[term], B[e][panel] · z[term], d[t][panel])     from +0
//       y[t][panel] += d[t][panel]
//
//        x ──(rows of e)──▶ A[e] ─▶ z ──(rows of e)──▶ B[e][panel] ─▶ d ─▶ + y
//
// Why it is fast: rows are reached through pointers, so nothing is gathered; the rows of one
// adapter share its weights, eight at a time; d (32 KiB) stays in the cache until it is added to
// y, which is touched once. Why the bits are those of the loop kernel: each z and each output is
// one chain over the same k, and a token's terms are added in ascending adapter index.

/// Tokens of one tile: enough rows of an adapter to fill eight chains, d still in the cache.
private let tileTokens = 256

/// Elements of z (64 MiB) that a tile of more than one token may have.
private let tileBudget = 16 << 20

func addDeltaByTiles(_ call: LoRAMoECall) {
  let tokens = call.routing.tokens
  let ranks = call.bank.adapters.map { $0?.rank ?? 0 }
  let widestToken = ranks.sorted(by: >).prefix(call.routing.topK).reduce(0, +)
  let tile = min(tileTokens, max(tileBudget / max(widestToken, 1), 1))
  let z = AlignedMemory(
    byteCount: min(tile, tokens) * widestToken * MemoryLayout<Float>.size)
  for first in stride(from: 0, to: tokens, by: tile) {
    let grouped = GroupedTerms(
      call, tokens: first..<min(first + tile, tokens),
      z: z.address.assumingMemoryBound(to: Float.self))
    grouped.projectDown(call)
    grouped.projectUp(call)
  }
}

/// The terms of a tile of tokens, sorted by adapter.
private struct GroupedTerms {
  let tokens: Range<Int>
  /// Token of every term, counted from the tile's first.
  var token: [Int] = []
  /// `c = w · s` of every term.
  var factor: [Float] = []
  /// Input row of every term.
  var x: [UnsafePointer<Float>] = []
  /// Row of z of every term.
  var z: [UnsafePointer<Float>] = []
  /// The adapters that have terms, ascending, with the places of their terms.
  var groups: [Group] = []

  struct Group {
    var adapter: LoRAAdapter
    var terms: Range<Int>
    /// `[terms.count, rank]`.
    var z: UnsafeMutablePointer<Float>
  }

  init(_ call: LoRAMoECall, tokens: Range<Int>, z: UnsafeMutablePointer<Float>) {
    self.tokens = tokens
    let (routing, bank) = (call.routing, call.bank)
    // Counting sort: ascending adapter, and ascending token inside.
    let range = tokens.lowerBound * routing.topK..<tokens.upperBound * routing.topK
    var next = [Int](repeating: 0, count: bank.adapters.count)
    for term in range { next[Int(routing.adapters[term])] += 1 }
    var count = 0
    var zEnd = z
    for (index, adapter) in bank.adapters.enumerated() {
      let terms = next[index]
      next[index] = count
      guard let adapter, terms > 0 else { continue }
      groups.append(Group(adapter: adapter, terms: count..<count + terms, z: zEnd))
      for term in 0..<terms { self.z.append(zEnd + term * adapter.rank) }
      count += terms
      zEnd += terms * adapter.rank
    }
    token = [Int](repeating: 0, count: count)
    factor = [Float](repeating: 0, count: count)
    x = [UnsafePointer<Float>](repeating: call.x, count: count)
    for term in range {
      let index = Int(routing.adapters[term])
      guard let adapter = bank.adapters[index] else { continue }
      let place = next[index]
      next[index] += 1
      token[place] = term / routing.topK - tokens.lowerBound
      factor[place] = routing.weights[term] * adapter.scaling
      x[place] = call.x + term / routing.topK * bank.inFeatures
    }
  }

  /// Region 1: `z = A · x` of every term.
  func projectDown(_ call: LoRAMoECall) {
    x.withUnsafeBufferPointer { x in
      guard let rows = x.baseAddress else { return }
      call.parallelism.forEachRange(of: x.count) { range in
        for group in groups {
          let terms = range.clamped(to: group.terms)
          if terms.isEmpty { continue }
          let rank = group.adapter.rank
          group.adapter.a.multiply(
            group.adapter.a.panels[...], rows: rows + terms.lowerBound, count: terms.count,
            to: group.z + (terms.lowerBound - group.terms.lowerBound) * rank, yStride: rank)
        }
      }
    }
  }

  /// Region 2: panel by panel, the products with B, their weighted sums, the addition to y.
  func projectUp(_ call: LoRAMoECall) {
    let outFeatures = call.bank.outFeatures
    let panels = WeightMatrix.panelRanges(outFeatures: outFeatures)
    let width = PanelWidth.wide.rawValue
    let longestGroup = groups.map(\.terms.count).max() ?? 0
    z.withUnsafeBufferPointer { z in
      call.parallelism.forEachRange(of: panels.count) { range in
        withUnsafeTemporaryAllocation(
          of: Float.self, capacity: (tokens.count + longestGroup) * width
        ) { scratch in
          guard let d = scratch.baseAddress else { return }
          let products = d + tokens.count * width
          for index in range {
            d.update(repeating: 0, count: tokens.count * width)
            for group in groups {
              guard let rows = z.baseAddress else { return }
              group.adapter.b.multiply(
                group.adapter.b.panels[index...index], rows: rows + group.terms.lowerBound,
                count: group.terms.count, to: products, yStride: width)
              for (row, term) in group.terms.enumerated() {
                let target = d + token[term] * width
                let source = products + row * width
                let c = factor[term]
                for o in 0..<panels[index].count { target[o].addProduct(c, source[o]) }
              }
            }
            for t in tokens {
              call.finish(
                token: t, outputs: panels[index],
                update: d + (t - tokens.lowerBound) * width)
            }
          }
        }
      }
    }
  }
}
