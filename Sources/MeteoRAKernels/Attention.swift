import MeteoRAMath

// Causal attention with grouped key-value heads:
//
//   score[j] = dot(q, k[j]) · f       f = 1 / √d, rounded once      j = 0 … own position
//   p        = softmax(score)
//   y        = Σ_j p[j] · v[j]        a dot product over positions, in blocks of 128
//
//   tile: up to 8 queries of one kv head ── scores [8, positions] ── softmax ── values ── y
//
// The queries of a group (neighbouring query heads, then neighbouring tokens) share their kv
// head's keys and values, so a tile reads them once. Only whole blocks that all queries of a tile
// see are summed together; each query sums the rest on its own, up to exactly its own position:
// what lies beyond, padding or NaN, takes no part.

/// New rows of one sequence, whose keys and values its cache holds already.
package struct AttentionSequence {
  package var cache: AttentionCache
  /// Rows of the query matrix; the last `rows.count` positions of the cache.
  package var rows: Range<Int>

  package init(cache: AttentionCache, rows: Range<Int>) {
    self.cache = cache
    self.rows = rows
  }
}

/// Attends from every row to the positions of its sequence up to its own.
///
/// - Parameters:
///   - queries: `[rows, heads, dimension]`, rotated.
///   - heads: A multiple of the caches' `keyValueHeads`.
///   - y: As `queries`.
package func attend(
  _ queries: UnsafePointer<Float>, heads: Int, sequences: [AttentionSequence],
  to y: UnsafeMutablePointer<Float>, parallelism: Parallelism
) {
  var tiles: [AttentionTile] = []
  for (index, sequence) in sequences.enumerated() {
    let group = heads / sequence.cache.keyValueHeads
    let queriesOfGroup = sequence.rows.count * group
    for first in stride(from: 0, to: queriesOfGroup, by: AttentionTile.size) {
      for head in 0..<sequence.cache.keyValueHeads {
        let last = min(first + AttentionTile.size, queriesOfGroup)
        tiles.append(AttentionTile(sequence: index, keyValueHead: head, queries: first..<last))
      }
    }
  }
  let longest = sequences.map(\.cache.count).max() ?? 0
  let dimension = sequences.first?.cache.dimension ?? 0
  parallelism.forEachDeal(of: tiles.count) { indices in
    let scratch = AttentionScratch(positions: longest, dimension: dimension)
    for index in indices {
      let tile = tiles[index]
      tile.attend(
        queries, heads: heads, sequence: sequences[tile.sequence], to: y, scratch: scratch)
    }
  }
}

/// ``addBlock(rows:rowCount:range:weights:to:yStride:)`` for any number of rows.
private func addBlock(
  allRows rows: UnsafePointer<UnsafePointer<Float>>, count: Int, range: Range<Int>,
  weights: WeightBlock, to y: UnsafeMutablePointer<Float>, yStride: Int
) {
  var row = 0
  while row < count {
    let remaining = count - row
    let rowCount = remaining >= 8 ? 8 : remaining >= 4 ? 4 : 1
    addBlock(
      rows: rows + row, rowCount: rowCount, range: range, weights: weights,
      to: y + row * yStride, yStride: yStride)
    row += rowCount
  }
}

/// What one thread needs beside inputs and outputs.
private final class AttentionScratch {
  let positions: Int
  let scores: UnsafeMutablePointer<Float>
  let sums: UnsafeMutablePointer<Float>
  let sumStride: Int

  init(positions: Int, dimension: Int) {
    let block = AttentionCache.blockLength
    self.positions = (positions + block - 1) / block * block
    let unit = PanelWidth.narrow.rawValue
    sumStride = (dimension + unit - 1) / unit * unit
    scores = .allocate(capacity: AttentionTile.size * self.positions)
    sums = .allocate(capacity: AttentionTile.size * sumStride)
  }

  deinit {
    scores.deallocate()
    sums.deallocate()
  }
}

private struct AttentionTile {
  static let size = 8

  var sequence: Int
  var keyValueHead: Int
  /// Queries of the group, token by token: query `t · group + g`.
  var queries: Range<Int>

  func attend(
    _ queryRows: UnsafePointer<Float>, heads: Int, sequence: AttentionSequence,
    to y: UnsafeMutablePointer<Float>, scratch: AttentionScratch
  ) {
    let cache = sequence.cache
    let dimension = cache.dimension
    let group = heads / cache.keyValueHeads
    let before = cache.count - sequence.rows.count
    // Offset of a query in the query matrix, and the number of positions that it sees.
    let offsets = queries.map { query in
      let row = sequence.rows.lowerBound + query / group
      return (row * heads + keyValueHead * group + query % group) * dimension
    }
    let lengths = queries.map { before + $0 / group + 1 }

    score(offsets.map { queryRows + $0 }, lengths: lengths, cache: cache, scratch: scratch)
    for (query, length) in lengths.enumerated() {
      softmax(inPlace: scratch.scores + query * scratch.positions, count: length)
    }
    sumValues(lengths: lengths, cache: cache, scratch: scratch)
    for (query, offset) in offsets.enumerated() {
      (y + offset).update(from: scratch.sums + query * scratch.sumStride, count: dimension)
    }
  }

  /// Fills the scores of every query, up to the last position that it sees.
  private func score(
    _ rows: [UnsafePointer<Float>], lengths: [Int], cache: AttentionCache,
    scratch: AttentionScratch
  ) {
    let dimension = cache.dimension
    let width = AttentionCache.panel.rawValue
    let panelsPerBlock = AttentionCache.blockLength / width
    let panels = (lengths[lengths.count - 1] + width - 1) / width
    rows.withUnsafeBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      for panel in 0..<panels {
        let target = scratch.scores + panel * width
        for query in 0..<lengths.count {
          (target + query * scratch.positions).update(repeating: 0, count: width)
        }
        let keys = cache.keys(
          head: keyValueHead, block: panel / panelsPerBlock, panel: panel % panelsPerBlock)
        for first in stride(from: 0, to: dimension, by: DotProduct.blockLength) {
          var weights = keys
          weights.base += first * weights.stride
          addBlock(
            allRows: rows, count: lengths.count,
            range: first..<min(first + DotProduct.blockLength, dimension), weights: weights,
            to: target, yStride: scratch.positions)
        }
      }
    }
    let scale = Float(1 / Double(dimension).squareRoot())
    for (query, length) in lengths.enumerated() {
      let row = scratch.scores + query * scratch.positions
      for position in 0..<length { row[position] *= scale }
    }
  }

  /// Fills the weighted sums of the values.
  private func sumValues(lengths: [Int], cache: AttentionCache, scratch: AttentionScratch) {
    let count = lengths.count
    scratch.sums.update(repeating: 0, count: count * scratch.sumStride)
    let rows = (0..<count).map { UnsafePointer(scratch.scores + $0 * scratch.positions) }
    let longest = lengths[count - 1]
    rows.withUnsafeBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      for block in 0...(longest - 1) / AttentionCache.blockLength {
        let start = block * AttentionCache.blockLength
        let end = min(start + AttentionCache.blockLength, longest)
        // Lengths ascend: the queries from `together` on see the block to its end.
        let together = lengths.firstIndex { $0 >= end } ?? count
        var first = 0
        while first < cache.valueStride {
          let width = PanelWidth.forRemaining(cache.valueStride - first)
          let values = cache.values(head: keyValueHead, block: block, first: first, width: width)
          let target = scratch.sums + first
          for query in 0..<together where lengths[query] > start {
            addBlock(
              rows: rows + query, rowCount: 1, range: start..<lengths[query], weights: values,
              to: target + query * scratch.sumStride, yStride: scratch.sumStride)
          }
          addBlock(
            allRows: rows + together, count: count - together, range: start..<end,
            weights: values, to: target + together * scratch.sumStride,
            yStride: scratch.sumStride)
          first += width.rawValue
        }
      }
    }
  }
}

/// Causal attention of whole sequences that stand one after the other.
///
/// Each row sees the rows of its own sequence up to itself; query head h uses kv head
/// `h / (heads / keyValueHeads)`.
///
/// - Parameters:
///   - queries: `[rows, heads, dimension]`, rotated.
///   - keys: `[rows, keyValueHeads, dimension]`, rotated.
///   - values: As `keys`.
///   - heads: Query heads, a multiple of `keyValueHeads`.
///   - keyValueHeads: Heads of keys and values.
///   - dimension: Elements of a head, 1 … 65536; times `keyValueHeads` at most 2¹⁹.
///   - lengths: Rows of each sequence; each above 0.
/// - Returns: `[rows, heads, dimension]`.
/// - Throws: ``KernelError`` if a size does not fit or is out of range, or `heads` is no multiple of
///   `keyValueHeads`.
/// - SeeAlso: Ainslie et al., *GQA*, arXiv:2305.13245.
public func attention(
  queries: [Float], keys: [Float], values: [Float], heads: Int, keyValueHeads: Int,
  dimension: Int, lengths: [Int], parallelism: Parallelism = .serial
) throws(KernelError) -> [Float] {
  guard keyValueHeads > 0, heads > 0, heads % keyValueHeads == 0 else {
    throw .outOfRange(
      argument: "heads", actual: "\(heads)", allowed: "a multiple of \(keyValueHeads) kv heads")
  }
  guard (1...RotaryEmbedding.maximumHeadDimension).contains(dimension) else {
    throw .outOfRange(
      argument: "head_dim", actual: "\(dimension)",
      allowed: "1...\(RotaryEmbedding.maximumHeadDimension)")
  }
  var rows = 0
  for length in lengths {
    guard length > 0, length <= queries.count - rows else {
      throw .outOfRange(
        argument: "sequence length", actual: "\(length)", allowed: "above 0, all together rows")
    }
    rows += length
  }
  try requireElements(queries.count, shape: [rows, heads, dimension], of: "queries")
  try requireElements(keys.count, shape: [rows, keyValueHeads, dimension], of: "keys")
  try requireElements(values.count, shape: [rows, keyValueHeads, dimension], of: "values")
  // Keys and values are kept in blocks of 128 positions: one row makes a whole block of them.
  guard keyValueHeads <= maximumPositionElements / dimension else {
    throw .outOfRange(
      argument: "kv heads times head_dim", actual: "\(keyValueHeads) · \(dimension)",
      allowed: "at most \(maximumPositionElements)")
  }
  var y = queries
  keys.withUnsafeBufferPointer { keys in
    values.withUnsafeBufferPointer { values in
      queries.withUnsafeBufferPointer { queries in
        y.withUnsafeMutableBufferPointer { y in
          guard let keys = keys.baseAddress, let values = values.baseAddress,
            let queries = queries.baseAddress, let y = y.baseAddress
          else { return }
          var sequences: [AttentionSequence] = []
          var (first, byteCount) = (0, 0)
          for length in lengths {
            let cache = AttentionCache(keyValueHeads: keyValueHeads, dimension: dimension)
            let offset = first * keyValueHeads * dimension
            cache.append(keys: keys + offset, values: values + offset, rows: length)
            sequences.append(AttentionSequence(cache: cache, rows: first..<first + length))
            first += length
            byteCount += cache.byteCount
            // Many short sequences take many blocks: some at a time.
            if byteCount >= cacheBudget || first == rows {
              attend(queries, heads: heads, sequences: sequences, to: y, parallelism: parallelism)
              (sequences, byteCount) = ([], 0)
            }
          }
        }
      }
    }
  }
  return y
}

/// Elements of all heads of one position's keys: a block of them takes 256 MiB, and its values as
/// much, or more for heads that are no multiple of eight.
private let maximumPositionElements = 1 << 19

/// Bytes of keys and values at which a group of sequences is complete.
private let cacheBudget = 64 << 20
