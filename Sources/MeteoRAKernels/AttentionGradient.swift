import MeteoRAMath

// AttentionGradient: what reaches queries, keys and values of causal attention.
//
//   rows of a kv head      r = h · T + p      query heads h of its group, positions p
//   in chunks of 128       r r r r … r        the blocks of the sums over (h, p)
//
//   for each chunk, with P and dS [128, positions]:
//     P    = softmax(q · kᵀ · f)               again, as in the forward pass
//     dP   = dy · vᵀ
//     dS   = (P ∘ (dP − dot(P, dP))) · f       row by row, zero behind a row's own position
//     dq   = dS · k
//     dk  += dSᵀ · q        dv += Pᵀ · dy      one block of the sum over r
//
// Zeros where a row does not see a position change no bit of a sum that begins with +0. Threads
// split sequences and kv heads, whose gradients are apart.

/// The operands of causal attention over whole sequences; all `[rows, heads · dimension]`, keys and
/// values with their own number of heads.
package struct AttentionGradientInput {
  /// Rotated.
  let queries: UnsafePointer<Float>
  /// Rotated.
  let keys: UnsafePointer<Float>
  let values: UnsafePointer<Float>
  let outputGradient: UnsafePointer<Float>
  let heads: Int
  let keyValueHeads: Int
  let dimension: Int

  package init(
    queries: UnsafePointer<Float>, keys: UnsafePointer<Float>, values: UnsafePointer<Float>,
    outputGradient: UnsafePointer<Float>, heads: Int, keyValueHeads: Int, dimension: Int
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.outputGradient = outputGradient
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.dimension = dimension
  }
}

/// Where the gradients go: shaped as what they are of, overwritten.
package struct AttentionGradientOutput {
  let queries: UnsafeMutablePointer<Float>
  let keys: UnsafeMutablePointer<Float>
  let values: UnsafeMutablePointer<Float>

  package init(
    queries: UnsafeMutablePointer<Float>, keys: UnsafeMutablePointer<Float>,
    values: UnsafeMutablePointer<Float>
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
  }
}

/// Computes what reaches queries, keys and values.
///
/// - Parameters:
///   - sequences: The rows of each, which begin with its position 0.
package func attendGradient(
  _ input: AttentionGradientInput, sequences: [Range<Int>], to output: AttentionGradientOutput,
  parallelism: Parallelism
) {
  let units = sequences.flatMap { rows in
    (0..<input.keyValueHeads).map { HeadGradient(input, output, rows: rows, head: $0) }
  }
  parallelism.forEachRange(weighing: units.map(\.work)) { range in
    for unit in units[range] { unit.compute() }
  }
}

/// One kv head of one sequence, and the query heads of its group.
private struct HeadGradient {
  private let input: AttentionGradientInput
  private let output: AttentionGradientOutput
  private let rows: Range<Int>
  private let head: Int

  init(
    _ input: AttentionGradientInput, _ output: AttentionGradientOutput, rows: Range<Int>, head: Int
  ) {
    self.input = input
    self.output = output
    self.rows = rows
    self.head = head
  }

  var work: Double { Double(rows.count) * Double(rows.count) }

  private var group: Int { input.heads / input.keyValueHeads }
  private var dimension: Int { input.dimension }
  /// Elements from a row of keys to the next.
  private var keyStride: Int { input.keyValueHeads * dimension }

  /// Where the query of row r = h · T + p begins in its matrix.
  private func queryOffset(_ index: Int) -> Int {
    let (queryHead, position) = index.quotientAndRemainder(dividingBy: rows.count)
    let row = rows.lowerBound + position
    return (row * input.heads + head * group + queryHead) * dimension
  }

  /// Where the keys of a position begin in their matrix.
  private func keyOffset(_ position: Int) -> Int {
    (rows.lowerBound + position) * keyStride + head * dimension
  }

  func compute() {
    for position in 0..<rows.count {
      (output.keys + keyOffset(position)).update(repeating: 0, count: dimension)
      (output.values + keyOffset(position)).update(repeating: 0, count: dimension)
    }
    let chunk = DotProduct.blockLength
    let count = group * rows.count
    // A cache line more: rows a power of two apart would drive each other out of the caches.
    let stride = (rows.count + 31) / 32 * 32 + 16
    let scores = AlignedMemory(byteCount: 2 * chunk * stride * MemoryLayout<Float>.size)
    let memory = StripMemory(paddedRows: chunk)
    for first in Swift.stride(from: 0, to: count, by: chunk) {
      let positions = (first..<min(first + chunk, count)).map { $0 % rows.count }
      let part = Chunk(
        first: first, positions: positions, longest: (positions.max() ?? 0) + 1,
        shares: scores.floats, scores: scores.floats + chunk * stride, stride: stride)
      computeScores(part, memory)
      part.differentiate(scoreFactor: AttentionTile.scoreFactor(dimension: dimension))
      addQueries(part, memory)
      addKeysAndValues(part)
    }
    withExtendedLifetime(scores) {}
  }

  /// Fills P with `q · kᵀ` and dS with `dy · vᵀ`.
  private func computeScores(_ chunk: Chunk, _ memory: StripMemory) {
    for (left, right, target) in [
      (input.queries, input.keys, chunk.shares),
      (input.outputGradient, input.values, chunk.scores),
    ] {
      let operand = InterleavedInput(
        rows: chunk.indices.map { left + queryOffset($0) }, width: dimension)
      for strip in WeightMatrix.panels(outFeatures: chunk.longest) {
        let width = strip.width.rawValue
        memory.clear(strip, paddedRows: operand.paddedRows)
        memory.add(operand, depth: dimension, strip: strip) { block, strip, target in
          if strip.outputs < width { target.update(repeating: 0, count: block.count * width) }
          transpose(
            right + keyOffset(strip.firstOutput) + block.lowerBound, rows: strip.outputs,
            width: keyStride, columns: block.count, to: target, stride: width)
        }
        for row in chunk.positions.indices {
          copyElements(
            memory.totals + row * width, to: target + row * chunk.stride + strip.firstOutput,
            count: strip.outputs)
        }
      }
    }
  }

  /// `dq = dS · k`.
  private func addQueries(_ chunk: Chunk, _ memory: StripMemory) {
    let operand = InterleavedInput(rows: chunk.rows(of: chunk.scores), width: chunk.longest)
    let keys = (0..<chunk.longest).map { input.keys + keyOffset($0) }
    // The last position that a group of eight rows sees.
    let last = Swift.stride(from: 0, to: chunk.positions.count, by: 8).map { first in
      chunk.positions[first..<min(first + 8, chunk.positions.count)].max() ?? 0
    }
    keys.withUnsafeBufferPointer { keys in
      for strip in WeightMatrix.panels(outFeatures: dimension) {
        let width = strip.width.rawValue
        memory.clear(strip, paddedRows: operand.paddedRows)
        memory.add(operand, depth: chunk.longest, strip: strip) { block, strip, target in
          copyStrip(strip, ofRows: UnsafeBufferPointer(rebasing: keys[block]), to: target)
        } where: { group, position in
          last[group] >= position
        }
        for (row, index) in chunk.indices.enumerated() {
          copyElements(
            memory.totals + row * width,
            to: output.queries + queryOffset(index) + strip.firstOutput,
            count: strip.outputs)
        }
      }
    }
  }

  /// `dk += dSᵀ · q`, `dv += Pᵀ · dy`.
  private func addKeysAndValues(_ chunk: Chunk) {
    for (left, right, target) in [
      (chunk.scores, input.queries, output.keys),
      (chunk.shares, input.outputGradient, output.values),
    ] {
      addWeightGradient(
        GradientRows(starts: chunk.rows(of: left), width: chunk.longest),
        GradientRows(starts: chunk.indices.map { right + queryOffset($0) }, width: dimension),
        to: GradientTarget(target + keyOffset(0), width: keyStride), parallelism: .serial)
    }
  }
}

/// Up to 128 rows of a kv head.
private struct Chunk {
  /// Index of the first row.
  let first: Int
  /// Of every row.
  let positions: [Int]
  /// Positions that some row sees.
  let longest: Int
  /// P, `[128, stride]`.
  let shares: UnsafeMutablePointer<Float>
  /// dP, then dS, `[128, stride]`.
  let scores: UnsafeMutablePointer<Float>
  let stride: Int

  var indices: Range<Int> { first..<first + positions.count }

  func rows(of values: UnsafeMutablePointer<Float>) -> [UnsafePointer<Float>] {
    positions.indices.map { UnsafePointer(values + $0 * stride) }
  }

  /// `P = softmax(P · f)`, `dS = (P · (dP − dot(P, dP))) · f`; zeros behind a row's position.
  func differentiate(scoreFactor: Float) {
    for (row, position) in positions.enumerated() {
      let seen = position + 1
      let shares = shares + row * stride
      let scores = scores + row * stride
      softmax(inPlace: shares, count: seen, scaledBy: scoreFactor)
      let mean = sumOfProducts(shares, scores, count: seen)
      for j in 0..<seen { scores[j] = shares[j] * (scores[j] - mean) * scoreFactor }
      (shares + seen).update(repeating: 0, count: longest - seen)
      (scores + seen).update(repeating: 0, count: longest - seen)
    }
  }
}
