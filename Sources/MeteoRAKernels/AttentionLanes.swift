import MeteoRAMath

// AttentionLanes: a tile of up to 32 queries of one kv head, side by side from scores to values.
//
//   queries [element][32] ─▶ scores [position][32] ─▶ softmax ─▶ · values
//                                                                ─▶ sums [element][32] ─▶ y
//
//             32 queries ─▶          A column is a query. Panels of 32 positions are scored one
//   position  ████████████████       after the other; a block of 128 is exponentiated and summed,
//      │      ████████████████       then divided and multiplied by the values while it is in the
//      ▼      ██████████████▒▒       first-level cache. The last positions (▒) are seen by some of
//             ████████▒▒▒▒▒▒▒▒       the queries only: their scores become −∞, which are no part
//                                    of a maximum and add nothing to a sum, and their values are
//                                    left out.
//
// Keys and values are read once for 32 queries, at 4 bytes a cycle, which the second and third
// level of cache can deliver; the scores of 4096 positions fill half of the second.

/// The memory of one thread for tiles of queries side by side.
struct AttentionLanes {
  private let memory: AlignedMemory
  /// `[dimension, 32]`.
  private let queries: UnsafeMutablePointer<Float>
  /// `[values of a position, 32]`.
  private let sums: UnsafeMutablePointer<Float>
  /// `[positions, 32]`.
  private let scores: UnsafeMutablePointer<Float>
  /// Where the queries begin in their matrix.
  private let offsets: UnsafeMutablePointer<Int>
  private let excess: UnsafeMutablePointer<Int32>

  /// - Parameters:
  ///   - positions: The most that a tile sees.
  ///   - cache: One like those that will be attended to.
  init(positions: Int, like cache: AttentionCache) {
    let block = AttentionCache.blockLength
    let rows = cache.dimension + cache.valueStride + (positions + block - 1) / block * block
    let size = MemoryLayout<Float>.size
    let columns = queryLanes * (MemoryLayout<Int>.size + MemoryLayout<Int32>.size)
    memory = AlignedMemory(byteCount: rows * queryLanes * size + columns)
    queries = memory.address.assumingMemoryBound(to: Float.self)
    sums = queries + cache.dimension * queryLanes
    scores = sums + cache.valueStride * queryLanes
    let end = memory.address + rows * queryLanes * size
    offsets = end.assumingMemoryBound(to: Int.self)
    excess = (end + queryLanes * MemoryLayout<Int>.size).assumingMemoryBound(to: Int32.self)
  }

  func attend(
    _ tile: AttentionTile, _ rows: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>
  ) {
    let seenByAll = tile.length(0)
    let longest = tile.length(tile.count - 1)
    // Lanes without a query repeat the last one.
    for lane in 0..<queryLanes {
      let query = min(lane, tile.count - 1)
      offsets[lane] = tile.offset(query)
      excess[lane] = Int32(tile.length(query) - seenByAll)
    }
    let seen = SeenPositions(byAll: seenByAll, bySome: longest, excess: LaneExcess(excess))
    gather(rows, dimension: tile.cache.dimension)
    let largest = score(tile, seen)
    let denominators = exponentiate(largest, positions: longest)
    sumValues(tile, seen, denominators)
    scatter(to: y, count: tile.count, dimension: tile.cache.dimension)
  }

  private struct SeenPositions {
    var byAll: Int
    var bySome: Int
    var excess: LaneExcess
  }

  /// Puts the queries side by side.
  private func gather(_ rows: UnsafePointer<Float>, dimension: Int) {
    for lane in stride(from: 0, to: queryLanes, by: 8) {
      var k = 0
      while k + 8 <= dimension {
        gatherEight(
          rows + k, offsets: offsets + lane, to: queries + k * queryLanes + lane,
          stride: queryLanes)
        k += 8
      }
      while k < dimension {
        for lane in lane..<lane + 8 { queries[k * queryLanes + lane] = rows[offsets[lane] + k] }
        k += 1
      }
    }
  }

  /// Fills the scores, and returns the largest of each query.
  private func score(_ tile: AttentionTile, _ seen: SeenPositions) -> QueryVector {
    let dimension = tile.cache.dimension
    let factor = tile.scoreFactor
    let width = AttentionCache.panel.rawValue
    let panelsPerBlock = AttentionCache.blockLength / width
    var largest = QueryVector(repeating: -.infinity)
    for panel in 0...(seen.bySome - 1) / width {
      let start = panel * width
      let positions = min(width, seen.bySome - start)
      let target = scores + start * queryLanes
      let keys = tile.cache.keys(
        head: tile.keyValueHead, block: panel / panelsPerBlock, panel: panel % panelsPerBlock
      ).base.assumingMemoryBound(to: Float.self)
      for first in stride(from: 0, to: dimension, by: DotProduct.blockLength) {
        let count = min(DotProduct.blockLength, dimension - first)
        for row in stride(from: 0, to: positions, by: 8) {
          addEightRows(
            keys + first * width + row, stride: width, by: queries + first * queryLanes,
            count: count, seenByAll: count, excess: seen.excess, to: target + row * queryLanes,
            isFirst: first == 0)
        }
      }
      scaleScores(
        target, count: positions, by: factor,
        seenByAll: min(width, seen.byAll - start), excess: seen.excess, largest: &largest)
    }
    return largest
  }

  /// Replaces the scores by their exponentials, and returns the sum of each query.
  private func exponentiate(_ largest: QueryVector, positions: Int) -> QueryVector {
    var denominators = QueryVector(repeating: 0)
    for start in stride(from: 0, to: positions, by: DotProduct.blockLength) {
      let count = min(DotProduct.blockLength, positions - start)
      let block = scores + start * queryLanes
      subtract(largest, from: block, count: count)
      CorrectlyRounded.exp(
        inPlace: UnsafeMutableBufferPointer(start: block, count: count * queryLanes))
      addSum(of: block, count: count, to: &denominators)
    }
    return denominators
  }

  /// Divides the exponentials, and fills the weighted sums of the values.
  private func sumValues(
    _ tile: AttentionTile, _ seen: SeenPositions, _ denominators: QueryVector
  ) {
    let cache = tile.cache
    for start in stride(from: 0, to: seen.bySome, by: DotProduct.blockLength) {
      let count = min(DotProduct.blockLength, seen.bySome - start)
      let shares = scores + start * queryLanes
      divide(shares, count: count, by: denominators)
      var first = 0
      while first < cache.valueStride {
        let values = cache.values(
          head: tile.keyValueHead, block: start / DotProduct.blockLength, first: first)
        let elements = values.base.assumingMemoryBound(to: Float.self)
        let width = values.width.rawValue
        for row in stride(from: 0, to: width, by: 8) {
          addEightRows(
            elements + row, stride: width, by: shares, count: count,
            seenByAll: min(count, seen.byAll - start), excess: seen.excess,
            to: sums + (first + row) * queryLanes, isFirst: start == 0)
        }
        first += width
      }
    }
  }

  /// Writes the rows of the queries.
  private func scatter(to y: UnsafeMutablePointer<Float>, count: Int, dimension: Int) {
    var lane = 0
    while lane < count {
      let lanes = min(8, count - lane)
      var k = 0
      while lanes == 8, k + 8 <= dimension {
        scatterEight(
          sums + k * queryLanes + lane, stride: queryLanes, to: y + k, offsets: offsets + lane)
        k += 8
      }
      while k < dimension {
        for lane in lane..<lane + lanes { y[offsets[lane] + k] = sums[k * queryLanes + lane] }
        k += 1
      }
      lane += lanes
    }
  }
}
