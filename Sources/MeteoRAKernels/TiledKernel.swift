import MeteoRAMath

// TiledKernel: tokens grouped by adapter, tiles of tokens × outputs.
//
//   (token, adapter) terms of a tile of tokens, sorted by adapter:        see RoutedTerms.swift
//
//     term      0   1   2   3   4   5   6 …          e(term) ascending, t ascending inside
//     z[term] = A[e] · x[t]                          region 1: threads split the terms
//
//     for each panel of 32 outputs:                  region 2: threads split the panels
//       for e ascending, for the terms of e, four at a time:         see UpProjection.swift
//         d[t][panel] = fma(c[term], B[e][panel] · z[term], d[t][panel])     from +0
//       y[t][panel] += d[t][panel]
//
//        x ──(rows of e)──▶ A[e] ─▶ z ──(rows of e)──▶ B[e][panel] ─▶ d ─▶ + y
//
// Why it is fast: rows are reached through pointers, so nothing is gathered; the rows of one
// adapter share its weights; d stays in the cache until it is added to y, which is touched once.
// Why the bits are those of the loop kernel: each z and each output is one chain over the same k,
// and a token's terms are added in ascending adapter index.
//
// Where the base product is computed too, its panels take region 2's place: the update is added to
// the totals of a panel before they are written, see LinearProduct.swift.

/// Tokens of one tile: enough terms of an adapter to fill its quads, d still in the cache.
private let tileTokens = 1024

func addDeltaByTiles(_ call: LoRAMoECall) {
  let tokens = call.routing.tokens
  func elements(_ tokens: Int) -> Int {
    RoutedTerms.mostElements(tokens: tokens, topK: call.routing.topK, bank: call.bank)
  }
  let padding = elements(0)
  let fitting = (RoutedTerms.elementBudget - padding) / max(elements(1) - padding, 1)
  let tile = min(tileTokens, max(fitting, 1))
  for first in stride(from: 0, to: tokens, by: tile) {
    let range = first..<min(first + tile, tokens)
    let terms = RoutedTerms(call.routing, tokens: range, bank: call.bank)
    RoutedTerms.projectDown([terms], x: call.x, parallelism: call.parallelism)
    add(terms, call)
  }
}

/// Region 2: panel by panel, the products with B, their weighted sums, the addition to y.
private func add(_ terms: RoutedTerms, _ call: LoRAMoECall) {
  let panels = WeightMatrix.panels(outFeatures: call.bank.outFeatures)
  call.parallelism.forEachRange(of: panels.count) { range in
    for first in stride(from: range.lowerBound, to: range.upperBound, by: terms.panelsAtATime) {
      let part = panels[first..<min(first + terms.panelsAtATime, range.upperBound)]
      let row = terms.tokens.lowerBound * call.bank.outFeatures
      terms.projectUp(part).add(
        part, rows: terms.tokens.count, to: call.y + row, delta: call.delta.map { $0 + row },
        yStride: call.bank.outFeatures)
    }
  }
}
