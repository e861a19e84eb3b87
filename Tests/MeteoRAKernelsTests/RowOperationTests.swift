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

  @Test("softmax refuses an input of another size")
  func refusesSoftmaxInput() {
    #expect(throws: KernelError.elementCount(argument: "x", expected: 4, actual: 3)) {
      try softmax([1, 2, 3], rows: 2, width: 2)
    }
  }
}
