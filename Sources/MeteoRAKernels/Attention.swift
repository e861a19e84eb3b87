import MeteoRAMath

// Causal attention with grouped key-value heads:
//
//   score[j] = dot(q, k[j]) · f       f = 1 / √d, rounded once      j = 0 … own position
//   p        = softmax(score)
//   y        = Σ_j p[j] · v[j]        a dot product over positions, in blocks of 128
//
// The queries of a group (neighbouring query heads, then neighbouring tokens) share their kv
// head's keys and values, so a tile reads them once:
//
//   up to 8 queries       rows of scores, AttentionRows.swift: a new token of a sequence
//   9 to 32 queries       columns of scores, AttentionLanes.swift: a prompt
//
// Scores of all positions are kept, since every exponential needs the largest one. What lies
// beyond a query's own position, padding or NaN, takes no part.

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
/// - Precondition: All caches have the same `dimension`: a thread's memory serves all its tiles.
package func attend(
  _ queries: UnsafePointer<Float>, heads: Int, sequences: [AttentionSequence],
  to y: UnsafeMutablePointer<Float>, parallelism: Parallelism
) {
  precondition(
    sequences.allSatisfy { $0.cache.dimension == sequences.first?.cache.dimension })
  let tiles = AttentionTile.tiles(of: sequences, heads: heads)
  // Tiles of a kv head are neighbours, so that a thread finds its keys and values in its caches.
  parallelism.forEachRange(weighing: tiles.map(\.work)) { attend(queries, tiles[$0], to: y) }
}

/// One thread's share.
private func attend(
  _ queries: UnsafePointer<Float>, _ tiles: ArraySlice<AttentionTile>,
  to y: UnsafeMutablePointer<Float>
) {
  var lanes: AttentionLanes?
  var rows: AttentionRows?
  let positions = tiles.lazy.map { $0.length($0.count - 1) }.max() ?? 0
  for tile in tiles {
    if tile.count > AttentionRows.most {
      let memory = lanes ?? AttentionLanes(positions: positions, like: tile.cache)
      memory.attend(tile, queries, to: y)
      lanes = memory
    } else {
      let memory = rows ?? AttentionRows(positions: positions, like: tile.cache)
      memory.attend(tile, queries, to: y)
      rows = memory
    }
  }
}

/// Neighbouring queries of one kv head of one sequence, token by token: query `t · group + g`.
struct AttentionTile {
  let cache: AttentionCache
  let keyValueHead: Int
  private let heads: Int
  private let group: Int
  /// The row of the first token, and the positions before it.
  private let firstRow: Int
  private let before: Int
  private let queries: Range<Int>

  static func tiles(of sequences: [AttentionSequence], heads: Int) -> [AttentionTile] {
    var tiles: [AttentionTile] = []
    for sequence in sequences {
      let cache = sequence.cache
      let group = heads / cache.keyValueHeads
      let count = sequence.rows.count * group
      for head in 0..<cache.keyValueHeads {
        for first in stride(from: 0, to: count, by: queryLanes) {
          tiles.append(
            AttentionTile(
              cache: cache, keyValueHead: head, heads: heads, group: group,
              firstRow: sequence.rows.lowerBound, before: cache.count - sequence.rows.count,
              queries: first..<min(first + queryLanes, count)))
        }
      }
    }
    return tiles
  }

  var count: Int { queries.count }

  /// Where a query stands in the query matrix, and in y.
  func offset(_ index: Int) -> Int {
    let (token, member) = (queries.lowerBound + index).quotientAndRemainder(dividingBy: group)
    return ((firstRow + token) * heads + keyValueHead * group + member) * cache.dimension
  }

  /// The number of positions that a query sees.
  func length(_ index: Int) -> Int { before + (queries.lowerBound + index) / group + 1 }

  /// What scores are multiplied by: f of the contract.
  var scoreFactor: Float { Self.scoreFactor(dimension: cache.dimension) }

  /// `1 / √d`, rounded once.
  static func scoreFactor(dimension: Int) -> Float { Float(1 / Double(dimension).squareRoot()) }

  /// In proportion to time.
  var work: Double {
    let lanes = count > AttentionRows.most ? queryLanes : AttentionRows.most
    return Double(lanes) * Double(length(count - 1))
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
/// - Throws: ``KernelError`` if a size does not fit or is out of range, or `heads` is no multiple
///   of `keyValueHeads`.
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
