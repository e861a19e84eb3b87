import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("Attention")
struct AttentionTests {
  /// Queries, keys and values of some rows.
  struct Example {
    let rows: Int
    let heads: Int
    let keyValueHeads: Int
    let dimension: Int
    let queries: [Float]
    var keys: [Float]
    var values: [Float]

    init(
      seed: Int, rows: Int, heads: Int, keyValueHeads: Int, dimension: Int, queryScale: Float = 1
    ) {
      var random = SeededRandom(seed)
      self.rows = rows
      self.heads = heads
      self.keyValueHeads = keyValueHeads
      self.dimension = dimension
      queries = random.floats(rows * heads * dimension).map { $0 * queryScale }
      keys = random.floats(rows * keyValueHeads * dimension)
      values = random.floats(rows * keyValueHeads * dimension)
    }

    func attention(
      lengths: [Int]? = nil, threads: Int = 1
    ) throws -> [Float] {
      try MeteoRAKernels.attention(
        queries: queries, keys: keys, values: values, heads: heads, keyValueHeads: keyValueHeads,
        dimension: dimension, lengths: lengths ?? [rows],
        parallelism: try Parallelism(threads: threads))
    }

    /// One query head of one row, as the contract writes it.
    func expected(row: Int, head: Int) -> [Float] {
      let kvHead = head / (heads / keyValueHeads)
      let scale = Float(1 / Double(dimension).squareRoot())
      let scores = (0...row).map { position in
        dot(
          queries, row * heads + head, keys, position * keyValueHeads + kvHead, dimension) * scale
      }
      let largest = scores.max() ?? 0
      let numerators = scores.map { CorrectlyRounded.exp($0 - largest) }
      let ones = [Float](repeating: 1, count: numerators.count)
      let sum = dot(numerators, 0, ones, 0, numerators.count)
      let probabilities = numerators.map { $0 / sum }
      return (0..<dimension).map { i in
        let column = (0...row).map { values[($0 * keyValueHeads + kvHead) * dimension + i] }
        return dot(probabilities, 0, column, 0, column.count)
      }
    }
  }

  @Test(
    "it equals the formulas around blocks and panels",
    arguments: [1, 2, 7, 8, 9, 31, 32, 33, 127, 128, 129, 160, 257], [2, 5, 8, 33])
  func equalsFormulas(rows: Int, dimension: Int) throws {
    let example = Example(
      seed: rows, rows: rows, heads: 2, keyValueHeads: 1, dimension: dimension)
    let y = try example.attention()
    for row in Set([0, rows / 2, max(rows - 2, 0), rows - 1]) {
      for head in 0..<2 {
        let first = (row * 2 + head) * dimension
        expectSameBits(
          Array(y[first..<first + dimension]), example.expected(row: row, head: head),
          "row \(row), head \(head)")
      }
    }
  }

  @Test("it equals the formulas for groups of heads", arguments: [1, 2, 3, 6])
  func sharesHeads(keyValueHeads: Int) throws {
    let example = Example(
      seed: keyValueHeads, rows: 19, heads: 6, keyValueHeads: keyValueHeads, dimension: 6)
    let y = try example.attention()
    for row in 0..<19 {
      for head in 0..<6 {
        let first = (row * 6 + head) * 6
        expectSameBits(
          Array(y[first..<first + 6]), example.expected(row: row, head: head),
          "row \(row), head \(head)")
      }
    }
  }

  /// Compares some rows of all heads with the formulas.
  private func expectFormulas(
    _ y: [Float], _ example: Example, rows: Set<Int>,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for row in rows.sorted() {
      for head in 0..<example.heads {
        let first = (row * example.heads + head) * example.dimension
        expectSameBits(
          Array(y[first..<first + example.dimension]), example.expected(row: row, head: head),
          "row \(row), head \(head)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test(
    "it equals the formulas around tiles of queries",
    arguments: [3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65], [1, 2, 4, 7])
  func equalsFormulasAroundTiles(rows: Int, group: Int) throws {
    let example = Example(
      seed: rows, rows: rows, heads: 2 * group, keyValueHeads: 2, dimension: 8)
    let y = try example.attention()
    expectFormulas(y, example, rows: [0, 1, rows / 2, rows - 2, rows - 1])
  }

  @Test(
    "it equals the formulas for every size of head", arguments: [1, 8, 20, 64, 100, 128, 136, 256])
  func equalsFormulasForHeads(dimension: Int) throws {
    let example = Example(
      seed: dimension, rows: 42, heads: 8, keyValueHeads: 2, dimension: dimension)
    let y = try example.attention()
    expectFormulas(y, example, rows: [0, 7, 8, 31, 32, 39, 40, 41])
  }

  @Test(
    "it equals the formulas where a block ends", arguments: [127, 128, 129, 255, 256, 257, 300],
    [1, 4])
  func equalsFormulasAroundBlocks(rows: Int, group: Int) throws {
    let example = Example(
      seed: rows, rows: rows, heads: group, keyValueHeads: 1, dimension: 20)
    let y = try example.attention()
    expectFormulas(
      y, example, rows: [95, 96, 120, 126, rows - 34, rows - 33, rows - 32, rows - 2, rows - 1])
  }

  @Test("it equals the formulas where exponentials vanish", arguments: [6, 40])
  func equalsFormulasOfSharpScores(rows: Int) throws {
    let example = Example(
      seed: 5, rows: rows, heads: 2, keyValueHeads: 1, dimension: 16, queryScale: 60)
    let y = try example.attention()
    expectFormulas(y, example, rows: Set(0..<rows))
  }

  /// Queries of few tokens and of many take different ways.
  @Test("it leaves out what is not seen, NaN and infinity too", arguments: [5, 44, 150])
  func ignoresLaterPositions(rows: Int) throws {
    let example = Example(seed: rows, rows: rows, heads: 2, keyValueHeads: 1, dimension: 12)
    let plain = try example.attention()
    for (first, value) in [(rows - 1, Float.nan), (rows / 2, .infinity), (rows - 3, -.infinity)] {
      for replaced in [\Example.keys, \Example.values] {
        var spoiled = example
        for index in first * 12..<rows * 12 { spoiled[keyPath: replaced][index] = value }
        let y = try spoiled.attention()
        expectSameBits(
          Array(y[..<(first * 24)]), Array(plain[..<(first * 24)]), "\(value) from \(first)")
        expectFormulas(y, spoiled, rows: [first, rows - 1])
      }
    }
  }

  @Test("it does not depend on threads", arguments: threadCounts)
  func threadsDoNotMatter(threads: Int) throws {
    let example = Example(seed: 20, rows: 140, heads: 4, keyValueHeads: 2, dimension: 8)
    expectSameBits(try example.attention(threads: threads), try example.attention())
    let lengths = [1, 100, 39]
    expectSameBits(
      try example.attention(lengths: lengths, threads: threads),
      try example.attention(lengths: lengths))
  }

  @Test("it sees a sequence alone wherever it stands in a batch")
  func sequencesAreApart() throws {
    let example = Example(seed: 21, rows: 140, heads: 2, keyValueHeads: 1, dimension: 6)
    let y = try example.attention(lengths: [3, 130, 7])
    var first = 0
    for length in [3, 130, 7] {
      let own = try attention(
        queries: Array(example.queries[first * 12..<(first + length) * 12]),
        keys: Array(example.keys[first * 6..<(first + length) * 6]),
        values: Array(example.values[first * 6..<(first + length) * 6]), heads: 2,
        keyValueHeads: 1, dimension: 6, lengths: [length])
      expectSameBits(Array(y[first * 12..<(first + length) * 12]), own, "\(length) rows")
      first += length
    }
  }

  /// Appends to a cache piece by piece; every piece attends as soon as it is there.
  private func incremental(
    _ example: Example, pieces: [Int], cache: AttentionCache, threads: Int = 1
  ) throws -> GuardedOutput {
    let parallelism = try Parallelism(threads: threads)
    let queryWidth = example.heads * example.dimension
    let keyWidth = example.keyValueHeads * example.dimension
    var y = GuardedOutput(count: example.rows * queryWidth)
    var first = 0
    for count in pieces {
      let rows = first..<first + count
      example.keys.withUnsafeBufferPointer { keys in
        example.values.withUnsafeBufferPointer { values in
          guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
          cache.append(
            keys: keys + first * keyWidth, values: values + first * keyWidth, rows: count)
        }
      }
      y.write { y in
        attend(
          example.queries, heads: example.heads,
          sequences: [AttentionSequence(cache: cache, rows: rows)], to: y,
          parallelism: parallelism)
      }
      first += count
    }
    return y
  }

  @Test(
    "it gives the same rows piece by piece as at once",
    arguments: [
      [Int](repeating: 1, count: 140), [127, 1, 1, 11], [128, 12], [129, 11], [5, 8, 9, 118],
      [139, 1],
    ], [1, 2, 3, 64])
  func growsByPieces(pieces: [Int], threads: Int) throws {
    let example = Example(seed: 22, rows: 140, heads: 4, keyValueHeads: 2, dimension: 5)
    let cache = AttentionCache(keyValueHeads: 2, dimension: 5)
    let y = try incremental(example, pieces: pieces, cache: cache, threads: threads)
    #expect(y.isIntact)
    #expect(cache.count == 140)
    expectSameBits(y.output, try example.attention())
  }

  @Test(
    "it gives the same rows whatever is expected and however the cache grows",
    arguments: [[600], [512, 1, 87], [60, 540], [7, 8, 9, 300, 276]], [0, 1, 130, 600, 4000])
  func growsInChunks(pieces: [Int], expected: Int) throws {
    let example = Example(seed: 23, rows: 600, heads: 8, keyValueHeads: 2, dimension: 20)
    let cache = AttentionCache(keyValueHeads: 2, dimension: 20, expecting: expected)
    let y = try incremental(example, pieces: pieces, cache: cache)
    #expect(y.isIntact)
    let block = 2 * 128 * (20 + 24) * 4
    // What is expected is taken with the first piece.
    #expect(cache.byteCount == max(5, (expected + 127) / 128) * block)
    expectFormulas(y.output, example, rows: [0, 59, 66, 512, 513, 599])
    expectSameBits(y.output, try example.attention())
  }

  @Test("it attends in several sequences at once", arguments: [1, 2, 3, 64], [1, 7, 9, 40])
  func attendsInSequences(threads: Int, newRows: Int) throws {
    // New rows of sequences that hold positions already.
    let lengths = [newRows, newRows + 130, newRows + 33, newRows + 255]
    let examples = lengths.map {
      Example(seed: $0, rows: $0, heads: 6, keyValueHeads: 2, dimension: 12)
    }
    let caches = examples.map { example in
      let cache = AttentionCache(keyValueHeads: 2, dimension: 12)
      cache.append(keys: example.keys, values: example.values, rows: example.rows)
      return cache
    }
    let width = 6 * 12
    let queries = examples.flatMap { $0.queries.suffix(newRows * width) }
    var y = GuardedOutput(count: queries.count)
    let parallelism = try Parallelism(threads: threads)
    y.write { y in
      attend(
        queries, heads: 6,
        sequences: caches.enumerated().map { index, cache in
          AttentionSequence(cache: cache, rows: index * newRows..<(index + 1) * newRows)
        }, to: y, parallelism: parallelism)
    }
    #expect(y.isIntact)
    let expected = try examples.flatMap { try $0.attention().suffix(newRows * width) }
    expectSameBits(y.output, expected)
  }

  @Test("it counts the memory of a cache by blocks of 128 positions")
  func countsMemory() {
    let cache = AttentionCache(keyValueHeads: 2, dimension: 8)
    let row = [Float](repeating: 0, count: 129 * 16)
    #expect(cache.byteCount == 0)
    cache.append(keys: row, values: row, rows: 128)
    let block = 2 * 128 * (8 + 8) * 4
    #expect(cache.byteCount == block)
    cache.append(keys: row, values: row, rows: 1)
    #expect(cache.byteCount == 2 * block)
    #expect(cache.byteCount(of: 256) == 2 * block)
    #expect(cache.byteCount(of: .max) == .max)
  }

  @Test("it counts the memory that it takes ahead")
  func countsMemoryAhead() {
    let block = 128 * (8 + 8) * 4
    let row = [Float](repeating: 0, count: 1024 * 8)
    let expecting = AttentionCache(keyValueHeads: 1, dimension: 8, expecting: 300)
    #expect(expecting.byteCount == 0)
    #expect(expecting.byteCount(of: 0) == 0)
    #expect(expecting.byteCount(of: 1) == 3 * block)
    expecting.append(keys: row, values: row, rows: 1)
    #expect(expecting.byteCount == 3 * block)
    let growing = AttentionCache(keyValueHeads: 1, dimension: 8)
    growing.append(keys: row, values: row, rows: 1024)
    #expect(growing.byteCount == 8 * block)
    #expect(growing.byteCount(of: 1025) == 10 * block)
    growing.append(keys: row, values: row, rows: 1)
    #expect(growing.byteCount == 10 * block)
  }

  // MARK: Arguments

  /// What is refused of an attention of 2 rows, 2 heads on 1, dimension 2, with one change.
  private func refusal(
    queries: Int = 8, keys: Int = 4, values: Int = 4, heads: Int = 2, keyValueHeads: Int = 1,
    dimension: Int = 2, lengths: [Int] = [2]
  ) -> KernelError? {
    do throws(KernelError) {
      _ = try attention(
        queries: [Float](repeating: 1, count: queries), keys: [Float](repeating: 1, count: keys),
        values: [Float](repeating: 1, count: values), heads: heads,
        keyValueHeads: keyValueHeads, dimension: dimension, lengths: lengths)
      return nil
    } catch {
      return error
    }
  }

  @Test("it accepts what the other cases change")
  func acceptsBaseline() {
    #expect(refusal() == nil)
  }

  @Test("it refuses queries of another size")
  func refusesQueries() {
    #expect(refusal(queries: 9) == .elementCount(argument: "queries", expected: 8, actual: 9))
  }

  @Test("it refuses keys of another size")
  func refusesKeys() {
    #expect(refusal(keys: 5) == .elementCount(argument: "keys", expected: 4, actual: 5))
  }

  @Test("it refuses values of another size")
  func refusesValues() {
    #expect(refusal(values: 3) == .elementCount(argument: "values", expected: 4, actual: 3))
  }

  @Test("it refuses heads that are no multiple of the key-value heads", arguments: [0, 1, 3, -2])
  func refusesHeads(heads: Int) {
    #expect(
      refusal(heads: heads, keyValueHeads: 2)
        == .outOfRange(
          argument: "heads", actual: "\(heads)", allowed: "a multiple of 2 kv heads"))
  }

  @Test("it refuses more heads than there can be")
  func refusesHugeHeads() {
    #expect(
      refusal(heads: .max, keyValueHeads: 1)
        == .invalidDimension(argument: "queries", shape: [2, .max, 2], maximum: 1 << 31))
    #expect(
      refusal(heads: .max, keyValueHeads: .max)
        == .invalidDimension(argument: "queries", shape: [2, .max, 2], maximum: 1 << 31))
  }

  @Test("it refuses a position whose blocks of keys would take gigabytes")
  func refusesHugePosition() {
    let count = 1 << 19 + 1
    #expect(
      refusal(
        queries: count, keys: count, values: count, heads: count, keyValueHeads: count,
        dimension: 1, lengths: [1])
        == .outOfRange(
          argument: "kv heads times head_dim", actual: "524289 · 1", allowed: "at most 524288"))
  }

  /// A block of 128 positions of 4096 elements takes 4 MiB.
  @Test("it takes many short sequences, some at a time")
  func takesManySequences() throws {
    let example = Example(seed: 21, rows: 70, heads: 64, keyValueHeads: 64, dimension: 64)
    let y = try example.attention(lengths: [Int](repeating: 1, count: 69) + [1], threads: 2)
    // One position has all the weight.
    expectSameBits(y, example.values)
  }

  @Test("it refuses key-value heads that are not above 0", arguments: [0, -1])
  func refusesKeyValueHeads(heads: Int) {
    #expect(refusal(keyValueHeads: heads) != nil)
  }

  @Test("it refuses an empty head", arguments: [0, -2, 65537, .max, .min])
  func refusesDimension(dimension: Int) {
    #expect(
      refusal(dimension: dimension)
        == .outOfRange(argument: "head_dim", actual: "\(dimension)", allowed: "1...65536"))
  }

  @Test("it refuses a sequence length", arguments: [[0, 2], [-1, 3], [.max], [2, .max]])
  func refusesLengths(lengths: [Int]) {
    guard case .outOfRange(argument: "sequence length", _, _) = refusal(lengths: lengths) else {
      Issue.record("\(String(describing: refusal(lengths: lengths)))")
      return
    }
  }

  @Test("it refuses lengths that are not all rows")
  func refusesTooFewRows() {
    #expect(
      refusal(lengths: [1]) == .elementCount(argument: "queries", expected: 4, actual: 8))
  }
}
