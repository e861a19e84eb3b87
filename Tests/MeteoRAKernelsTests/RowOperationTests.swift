import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("RMSNorm, SiLU and softmax")
struct RowOperationTests {
  static let widths = [1, 2, 7, 8, 9, 127, 128, 129, 300]

  @Test("RMSNorm divides by the root mean square", arguments: widths, threadCounts)
  func normalises(width: Int, threads: Int) throws {
    var random = SeededRandom(width)
    let (x, weight) = (random.floats(5 * width), random.floats(width))
    let y = try rmsNorm(
      x, rows: 5, weight: weight, epsilon: 1e-5, parallelism: try Parallelism(threads: threads))
    let expected = (0..<5 * width).map { index in
      let mean = dot(x, index / width, x, index / width, width) / Float(width)
      let r = 1 / (mean + 1e-5).squareRoot()
      return weight[index % width] * (x[index] * r)
    }
    expectSameBits(y, expected)
  }

  @Test("RMSNorm writes only its rows, beside or over its input")
  func normalisesInPlace() throws {
    var random = SeededRandom(30)
    let (x, weight) = (random.floats(3 * 9), random.floats(9))
    let expected = try rmsNorm(x, rows: 3, weight: weight, epsilon: 0.5)
    var (beside, over) = (GuardedOutput(count: 27), GuardedOutput(x))
    beside.write {
      rmsNorm(x, rows: 3, weight: weight, epsilon: 0.5, to: $0, parallelism: .serial)
    }
    over.write {
      rmsNorm(
        UnsafePointer($0), rows: 3, weight: weight, epsilon: 0.5, to: $0, parallelism: .serial)
    }
    #expect(beside.isIntact && over.isIntact)
    expectSameBits(beside.output, expected)
    expectSameBits(over.output, expected)
  }

  @Test("RMSNorm refuses an input of another size")
  func refusesNormInput() {
    #expect(throws: KernelError.elementCount(argument: "x", expected: 6, actual: 5)) {
      try rmsNorm([1, 2, 3, 4, 5], rows: 2, weight: [1, 1, 1], epsilon: 0)
    }
  }

  @Test("RMSNorm visits no rows without elements", arguments: [1, 1 << 31], threadCounts)
  func normalisesEmptyRows(rows: Int, threads: Int) throws {
    let y = try rmsNorm(
      [], rows: rows, weight: [], epsilon: 1, parallelism: try Parallelism(threads: threads))
    #expect(y.isEmpty)
  }

  @Test("RMSNorm refuses a number of rows", arguments: [-1, .min, 1 << 31 + 1, .max])
  func refusesNormRows(rows: Int) {
    #expect(
      throws: KernelError.invalidDimension(argument: "x", shape: [rows, 0], maximum: 1 << 31)
    ) {
      try rmsNorm([], rows: rows, weight: [], epsilon: 1)
    }
  }

  @Test("RMSNorm of a row whose squares overflow is zero, and NaN where it is infinite")
  func normalisesInfinity() throws {
    let y = try rmsNorm(
      [.infinity, 1, -1, .nan, 1, 1, 3e38, 3e38, -3e38], rows: 3, weight: [1, 1, 1], epsilon: 0)
    expectSameBits(y, [.nan, 0, -0.0, .nan, .nan, .nan, 0, 0, -0.0])
  }

  @Test("SiLU multiplies the gate's sigmoid", arguments: widths, threadCounts)
  func activates(count: Int, threads: Int) throws {
    var random = SeededRandom(count)
    let (gate, up) = (random.floats(count), random.floats(count))
    let parallelism = try Parallelism(threads: threads)
    let expected = zip(gate, up).map { g, u in g / (1 + CorrectlyRounded.exp(-g)) * u }
    expectSameBits(try siluMultiply(gate: gate, up: up, parallelism: parallelism), expected)
    var y = GuardedOutput(count: count)
    y.write {
      siluMultiply(gate: gate, up: up, count: count, to: $0, parallelism: parallelism)
    }
    #expect(y.isIntact)
    expectSameBits(y.output, expected)
  }

  @Test("SiLU refuses two sizes")
  func refusesActivation() {
    #expect(throws: KernelError.elementCount(argument: "up", expected: 3, actual: 2)) {
      try siluMultiply(gate: [1, 2, 3], up: [1, 2])
    }
  }

  @Test("softmax divides by the contract's sum", arguments: widths, threadCounts)
  func normalisesExponentials(width: Int, threads: Int) throws {
    var random = SeededRandom(width)
    let x = random.floats(3 * width)
    let y = try softmax(x, rows: 3, width: width, parallelism: try Parallelism(threads: threads))
    let expected = (0..<3).flatMap { row in
      let values = Array(x[row * width..<(row + 1) * width])
      let largest = values.max() ?? 0
      let numerators = values.map { CorrectlyRounded.exp($0 - largest) }
      let sum = dot(numerators, 0, [Float](repeating: 1, count: width), 0, width)
      return numerators.map { $0 / sum }
    }
    expectSameBits(y, expected)
  }

  @Test(
    "softmax sums blocks in order, however many", arguments: [1023, 1024, 1025, 1153, 2047, 2500])
  func normalisesManyBlocks(width: Int) throws {
    var random = SeededRandom(width)
    let x = random.floats(width)
    let largest = x.max() ?? 0
    let numerators = x.map { CorrectlyRounded.exp($0 - largest) }
    let sum = dot(numerators, 0, [Float](repeating: 1, count: width), 0, width)
    expectSameBits(try softmax(x, rows: 1, width: width), numerators.map { $0 / sum })
  }

  @Test("softmax visits no rows without elements", arguments: [1, 1 << 31], threadCounts)
  func weighsEmptyRows(rows: Int, threads: Int) throws {
    let y = try softmax([], rows: rows, width: 0, parallelism: try Parallelism(threads: threads))
    #expect(y.isEmpty)
  }

  @Test(
    "softmax refuses a size out of range",
    arguments: [(.max, 0), (-1, 0), (0, -1), (0, .max), (.max, .max), (-1, -1)] as [(Int, Int)])
  func refusesSoftmaxSizes(rows: Int, width: Int) {
    #expect(
      throws: KernelError.invalidDimension(argument: "x", shape: [rows, width], maximum: 1 << 31)
    ) {
      try softmax([], rows: rows, width: width)
    }
  }

  @Test("softmax refuses more elements than can be counted")
  func refusesSoftmaxOverflow() {
    #expect(
      throws: KernelError.elementCount(argument: "x", expected: 1 << 62, actual: 1)
    ) {
      try softmax([1], rows: 1 << 31, width: 1 << 31)
    }
  }

  @Test("softmax of NaN, of +∞ and of nothing but −∞ is NaN; beside a number, −∞ gives +0")
  func weighsInfinity() throws {
    let infinity = Float.infinity
    let y = try softmax(
      [1, .nan, .nan, 1, infinity, 0, -infinity, -infinity, 7, -infinity], rows: 5, width: 2)
    expectSameBits(y, [.nan, .nan, .nan, .nan, .nan, .nan, .nan, .nan, 1, 0])
  }

  @Test("softmax refuses an input of another size")
  func refusesSoftmaxInput() {
    #expect(throws: KernelError.elementCount(argument: "x", expected: 4, actual: 3)) {
      try softmax([1, 2, 3], rows: 2, width: 2)
    }
  }
}
