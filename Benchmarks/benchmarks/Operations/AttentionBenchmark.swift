import MeteoRAKernels
import MeteoRAMath

/// `attention/{prompt|decode}/{positions}`: 32 query heads and 8 kv heads of 128. Only the
/// positions that a token may see count as work.
struct AttentionBenchmark {
  let run: BenchmarkRun

  private static let (heads, keyValueHeads, dimension) = (32, 8, 128)

  private static let prompts = [1024, 4096]
  private static let decoded = 4096

  static var caseNames: [String] {
    prompts.map { "attention/prompt/\($0)" } + ["attention/decode/\(decoded)"]
  }

  func measureAll() throws {
    guard run.includesAny(of: "attention/") else { return }
    run.output.writeHeading(ResultRow.heading)
    for positions in Self.prompts {
      try measure("attention/prompt/\(positions)", positions: positions, rows: positions)
    }
    try measure("attention/decode/\(Self.decoded)", positions: Self.decoded, rows: 1)
  }

  /// Attends from the last `rows` of `positions`.
  private func measure(_ name: String, positions: Int, rows: Int) throws {
    guard run.includes(name) else { return }
    let (heads, keyHeads, dimension) = (Self.heads, Self.keyValueHeads, Self.dimension)
    let queries = PseudoRandom.values(rows * heads * dimension, seed: 1)
    let keys = PseudoRandom.values(positions * keyHeads * dimension, seed: 2)
    let values = PseudoRandom.values(positions * keyHeads * dimension, seed: 3)
    let input = Activations(queries)
    let output = Activations(zeros: queries.count)

    let before = positions - rows
    let seen = (0..<rows).reduce(0) { $0 + before + $1 + 1 }
    let work = Work(
      flops: 4 * Double(heads * dimension * seen),
      bytes: 4 * Double(2 * queries.count + keys.count + values.count), tokens: rows)
    let cacheBytes = 4 * (keys.count + values.count)
    let caches = BenchmarkRun.coldCopies(byteCount: cacheBytes) {
      let cache = AttentionCache(keyValueHeads: keyHeads, dimension: dimension)
      cache.append(keys: keys, values: values, rows: positions)
      return cache
    }
    var turn = 0
    func attend() {
      MeteoRAKernels.attend(
        input.start, heads: heads,
        sequences: [AttentionSequence(cache: caches[turn % caches.count], rows: 0..<rows)],
        to: output.start, parallelism: run.parallelism)
      turn += 1
    }
    attend()
    for row in Set([0, rows / 2, rows - 1]) {
      for head in [0, heads - 1] {
        let first = (row * heads + head) * dimension
        let expected = try definition(
          Array(queries[first..<first + dimension]), head: head * keyHeads / heads, keys, values,
          length: before + row + 1)
        if BitEquality.firstDifference(output[first..<first + dimension], expected) != nil {
          throw BenchmarkError.bitsDiffer(name)
        }
      }
    }
    try run.measure(name, work: work, attend)
  }

  /// One query of one head, as the arithmetic contract says.
  private func definition(
    _ query: [Float], head: Int, _ keys: [Float], _ values: [Float], length: Int
  ) throws -> [Float] {
    let dimension = Self.dimension
    let stride = Self.keyValueHeads * dimension
    let scale = Float(1 / Double(dimension).squareRoot())
    let scores = try (0..<length).map { position in
      let first = position * stride + head * dimension
      return try DotProduct.dot(query, Array(keys[first..<first + dimension])) * scale
    }
    let shares = try softmax(scores, rows: 1, width: length)
    return try (0..<dimension).map { element in
      let column = (0..<length).map { values[$0 * stride + head * dimension + element] }
      return try DotProduct.dot(shares, column)
    }
  }
}
