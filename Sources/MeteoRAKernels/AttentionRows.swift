import MeteoRAMath

// AttentionRows: a tile of up to 8 queries of one kv head, each with a row of scores.
//
//   queries [8, element] ─▶ scores [8, position] ─▶ softmax ─▶ · values ─▶ sums [8, element] ─▶ y
//
// Lanes are positions of a panel of keys, then elements of a panel of values. For a new token of a
// sequence this reads a head's keys once from the first to the last byte, then its values, with one
// loop over one panel at a time: as fast as memory delivers. (Two panels at a time were slower by a
// third: two streams in neighbouring pages.) Blocks that all queries see are summed together; each
// query sums the rest on its own, up to exactly its own position.

/// The memory of one thread for tiles of a few queries.
struct AttentionRows {
  /// The most queries of a tile.
  static let most = 8

  /// Rows that a loop may run over the end of a tile: loops are of 8, 4 or 1 rows, and 5 take one
  /// of 8.
  private static let overrun = 3

  private let memory: AlignedMemory
  /// `[8 + overrun, valueStride]`.
  private let sums: UnsafeMutablePointer<Float>
  private let sumStride: Int
  /// `[8, scoreStride]`.
  private let scores: UnsafeMutablePointer<Float>
  private let scoreStride: Int

  /// - Parameters:
  ///   - positions: The most that a tile sees.
  ///   - cache: One like those that will be attended to.
  init(positions: Int, like cache: AttentionCache) {
    let block = AttentionCache.blockLength
    sumStride = cache.valueStride
    // A cache line more: rows a power of two apart would drive each other out of the caches.
    scoreStride = (positions + block - 1) / block * block + 16
    let elements = Self.most * scoreStride + (Self.most + Self.overrun) * sumStride
    memory = AlignedMemory(byteCount: elements * MemoryLayout<Float>.size)
    scores = memory.floats
    sums = scores + Self.most * scoreStride
  }

  func attend(
    _ tile: AttentionTile, _ rows: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(
      of: UnsafePointer<Float>.self, capacity: 2 * Self.most + Self.overrun
    ) { pointers in
      guard let queries = pointers.baseAddress else { return }
      let shares = queries + Self.most
      // Rows without a query repeat the last one.
      for row in 0..<Self.most + Self.overrun {
        let query = min(row, tile.count - 1)
        if row < Self.most { (queries + row).initialize(to: rows + tile.offset(query)) }
        (shares + row).initialize(to: UnsafePointer(scores + query * scoreStride))
      }
      score(tile, queries)
      for query in 0..<tile.count {
        softmax(
          inPlace: scores + query * scoreStride, count: tile.length(query),
          scaledBy: tile.scoreFactor)
      }
      sumValues(tile, shares)
    }
    for query in 0..<tile.count {
      (y + tile.offset(query)).update(from: sums + query * sumStride, count: tile.cache.dimension)
    }
  }

  /// Fills the scores of every query, up to the last position that one sees.
  private func score(_ tile: AttentionTile, _ queries: UnsafePointer<UnsafePointer<Float>>) {
    let cache = tile.cache
    let width = AttentionCache.panel.rawValue
    let panelsPerBlock = AttentionCache.blockLength / width
    let rowCount = rowsOfLoop(taking: tile.count)
    for panel in 0...(tile.length(tile.count - 1) - 1) / width {
      let target = scores + panel * width
      for row in 0..<rowCount {
        (target + row * scoreStride).update(repeating: 0, count: width)
      }
      let keys = cache.keys(
        head: tile.keyValueHead, block: panel / panelsPerBlock, panel: panel % panelsPerBlock)
      for first in stride(from: 0, to: cache.dimension, by: DotProduct.blockLength) {
        var weights = keys
        weights.base += first * weights.stride
        addBlock(
          rows: queries, rowCount: rowCount,
          range: first..<min(first + DotProduct.blockLength, cache.dimension), weights: weights,
          to: target, yStride: scoreStride)
      }
    }
  }

  /// Fills the weighted sums of the values.
  private func sumValues(_ tile: AttentionTile, _ shares: UnsafePointer<UnsafePointer<Float>>) {
    let cache = tile.cache
    sums.update(repeating: 0, count: (tile.count + Self.overrun) * sumStride)
    let longest = tile.length(tile.count - 1)
    for start in stride(from: 0, to: longest, by: DotProduct.blockLength) {
      let end = min(start + DotProduct.blockLength, longest)
      // Lengths ascend: the queries from `together` on see the block to its end.
      var together = 0
      while tile.length(together) < end { together += 1 }
      let rowCount = rowsOfLoop(taking: tile.count - together)
      var first = 0
      while first < cache.valueStride {
        let values = cache.values(
          head: tile.keyValueHead, block: start / DotProduct.blockLength, first: first)
        let target = sums + first
        for query in 0..<together where tile.length(query) > start {
          addBlock(
            rows: shares + query, rowCount: 1, range: start..<tile.length(query), weights: values,
            to: target + query * sumStride, yStride: sumStride)
        }
        addBlock(
          rows: shares + together, rowCount: rowCount, range: start..<end, weights: values,
          to: target + together * sumStride, yStride: sumStride)
        first += values.width.rawValue
      }
    }
  }
}
