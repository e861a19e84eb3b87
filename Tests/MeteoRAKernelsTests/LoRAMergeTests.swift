import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("Merging an update into weights")
struct LoRAMergeTests {
  private struct Example {
    let adapter: LoRAAdapter
    let weights: WeightMatrix
    /// W + s · dot(B, A), a scalar at a time.
    let expected: [Float]

    init(_ out: Int, _ width: Int, rank: Int, _ format: WeightFormat) throws {
      var random = SeededRandom(out + width + rank)
      let a = try random.matrix(rank, width, format)
      let b = try random.matrix(out, rank, format)
      let w = try random.matrix(out, width, format)
      let scaling = random.floats(1)[0]
      adapter = try LoRAAdapter(a: a.matrix, b: b.matrix, scaling: scaling)
      weights = w.matrix
      var columns = [Float](repeating: 0, count: rank * width)
      for r in 0..<rank { for i in 0..<width { columns[i * rank + r] = a.values[r * width + i] } }
      expected = (0..<out * width).map { place in
        let product = dot(b.values, place / width, columns, place % width, rank)
        let scaled = scaling * product
        return w.values[place] + scaled
      }
    }
  }

  private func rows(of matrix: WeightMatrix) throws -> [Float] {
    // The product with the identity reads a matrix out: every other term adds a zero.
    var identity = [Float](repeating: 0, count: matrix.inFeatures * matrix.inFeatures)
    for i in 0..<matrix.inFeatures { identity[i * matrix.inFeatures + i] = 1 }
    let transposed = try linear(identity, rows: matrix.inFeatures, weights: matrix)
    return (0..<matrix.outFeatures * matrix.inFeatures).map { place in
      transposed[place % matrix.inFeatures * matrix.outFeatures + place / matrix.inFeatures]
    }
  }

  @Test(
    "it adds s · dot(B, A) to every weight, unfused",
    arguments: [(1, 1, 1), (8, 33, 3), (33, 31, 8), (7, 64, 129), (65, 5, 300)],
    [WeightFormat.float32, .bfloat16, .float16])
  func adds(shape: (Int, Int, Int), format: WeightFormat) throws {
    let example = try Example(shape.0, shape.1, rank: shape.2, format)
    let merge = try LoRAMerge(example.adapter)
    for threads in threadCounts {
      let merged = try merge.merged(
        into: example.weights, parallelism: Parallelism(threads: threads))
      #expect(merged.outFeatures == shape.0 && merged.inFeatures == shape.1)
      expectSameBits(try rows(of: merged), example.expected, "\(threads) threads")
    }
  }

  @Test("rows may be merged in any parts")
  func parts() throws {
    let (out, width) = (11, 9)
    let example = try Example(out, width, rank: 4, .float32)
    let merge = try LoRAMerge(example.adapter)
    let stored = try rows(of: example.weights)
    for step in [1, 2, 5, 11] {
      var merged: [Float] = []
      for first in stride(from: 0, to: out, by: step) {
        let range = first..<min(first + step, out)
        var values = Array(stored[range.lowerBound * width..<range.upperBound * width])
        try merge.add(toRows: range, of: &values)
        merged += values
      }
      expectSameBits(merged, example.expected, "\(step) rows at a time")
    }
  }

  @Test(
    "matrices of several parts are merged whole", arguments: [(7, 100_000, 2), (2, 300_000, 1)])
  func severalParts(out: Int, width: Int, rowsAtATime: Int) throws {
    let ones = try WeightMatrix(
      (0..<out).map { Float($0 + 1) }, outFeatures: out, inFeatures: 1)
    let columns = (0..<width).map(Float.init)
    let a = try WeightMatrix(columns, outFeatures: 1, inFeatures: width)
    let merge = try LoRAMerge(LoRAAdapter(a: a, b: ones, scaling: 0.5))
    #expect(merge.rowsAtATime == rowsAtATime)
    let weights = try WeightMatrix(
      [Float](repeating: 1, count: out * width), outFeatures: out, inFeatures: width)
    let merged = try merge.merged(into: weights)
    var row = [Float](repeating: 0, count: width)
    for index in 0..<out {
      row.withUnsafeMutableBufferPointer { row in
        if let start = row.baseAddress { merged.copyRow(index, to: start) }
      }
      // All numbers are exact.
      let factor = 0.5 * Float(index + 1)
      expectSameBits(row, columns.map { 1 + factor * $0 }, "row \(index)")
    }
  }

  @Test("it refuses weights of another shape", arguments: [(8, 5), (7, 6), (6, 7)])
  func refusesShape(out: Int, width: Int) throws {
    let merge = try LoRAMerge(Example(7, 5, rank: 2, .float32).adapter)
    let weights = try WeightMatrix(
      [Float](repeating: 0, count: out * width), outFeatures: out, inFeatures: width)
    let error = try #require(throws: KernelError.self) { try merge.merged(into: weights) }
    let expected: KernelError =
      out != 7
      ? .dimensionMismatch(argument: "rows of the weights", expected: 7, actual: out)
      : .dimensionMismatch(argument: "columns of the weights", expected: 5, actual: width)
    #expect(error == expected)
  }

  @Test("it refuses rows that are not there, and values that are not theirs, and leaves them alone")
  func refusesRows() throws {
    let merge = try LoRAMerge(Example(7, 5, rank: 2, .float32).adapter)
    for rows in [-1..<0, 6..<8, 7..<8, 0..<Int.max] {
      var values = [Float](repeating: 3, count: 5)
      #expect(throws: KernelError.self) { try merge.add(toRows: rows, of: &values) }
      #expect(values == [3, 3, 3, 3, 3])
    }
    var values: [Float] = [1, 2, 3, 4]
    #expect(throws: KernelError.self) { try merge.add(toRows: 0..<1, of: &values) }
    #expect(values == [1, 2, 3, 4])
  }
}
