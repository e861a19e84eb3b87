import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("Rotary embedding")
struct RotaryTests {
  @Test("it turns pairs that are half a head apart", arguments: [2, 6, 16, 130], threadCounts)
  func turnsHalves(dimension: Int, threads: Int) throws {
    var random = SeededRandom(dimension)
    let embedding = try RotaryEmbedding(headDimension: dimension, theta: 10000)
    let positions = [0, 1, 7, 131_071]
    let x = random.floats(positions.count * 3 * dimension)
    let y = try rotate(
      x, positions: positions, heads: 3, by: embedding,
      parallelism: try Parallelism(threads: threads))
    let half = dimension / 2
    var expected = x
    for (row, position) in positions.enumerated() {
      for head in 0..<3 {
        let first = (row * 3 + head) * dimension
        for i in 0..<half {
          let exponent = Float(2 * i) / Float(dimension)
          let angle = Float(position) * (1 / CorrectlyRounded.pow(10000, exponent))
          let (c, s) = (CorrectlyRounded.cos(angle), CorrectlyRounded.sin(angle))
          let (a, b) = (x[first + i], x[first + half + i])
          expected[first + i] = a * c - b * s
          expected[first + half + i] = b * c + a * s
        }
      }
    }
    expectSameBits(y, expected)
  }

  @Test("it writes only the heads")
  func writesOnlyHeads() throws {
    var random = SeededRandom(40)
    let embedding = try RotaryEmbedding(headDimension: 6, theta: 500_000)
    let x = random.floats(5 * 2 * 6)
    let tables = try embedding.tables(for: [0, 1, 2, 3, 4])
    var y = GuardedOutput(x)
    y.write {
      rotate(
        $0, rows: 5, heads: 2, dimension: 6, cos: tables.cos, sin: tables.sin,
        parallelism: .serial)
    }
    #expect(y.isIntact)
    expectSameBits(
      y.output, try rotate(x, positions: [0, 1, 2, 3, 4], heads: 2, by: embedding))
  }

  @Test(
    "it refuses a head dimension", arguments: [0, -2, 1, 63, 65537, 65538, 1 << 60, .max, .min])
  func refusesDimension(dimension: Int) {
    #expect(
      throws: KernelError.outOfRange(
        argument: "head_dim", actual: "\(dimension)", allowed: "even, in 2...65536")
    ) {
      try RotaryEmbedding(headDimension: dimension, theta: 10000)
    }
  }

  @Test("it refuses a base", arguments: [0, -1, .infinity, .nan] as [Float])
  func refusesTheta(theta: Float) {
    #expect(
      throws: KernelError.outOfRange(
        argument: "rope_theta", actual: "\(theta)", allowed: "finite, above 0")
    ) {
      try RotaryEmbedding(headDimension: 4, theta: theta)
    }
  }

  /// Settings for which a threshold rounds to the wavelength 2π of the first pair, but the context
  /// over that wavelength does not round to the factor: the ramp then gives neither end.
  private static func context(at factor: Float) -> Float? {
    let wavelength = Float(2 * Double.pi)
    var context = wavelength * factor
    for _ in 0..<4 { context = context.nextDown }
    for _ in 0..<9 {
      if context / factor == wavelength, context / wavelength != factor { return context }
      context = context.nextUp
    }
    return nil
  }

  /// `wavelen > low_freq_wavelen` and `wavelen < high_freq_wavelen` in Transformers.
  @Test("llama3 scaling ramps at both thresholds", arguments: [false, true])
  func rampsAtThresholds(atLow: Bool) throws {
    let candidates = stride(from: Float(1.01), to: 1.99, by: 0.01)
    let found = candidates.lazy.compactMap { factor in
      Self.context(at: factor).map { (factor, $0) }
    }.first
    let (factor, context) = try #require(found)
    let other = atLow ? factor + 8 * factor.ulp : factor - 8 * factor.ulp
    let (low, high) = atLow ? (factor, other) : (other, factor)
    let embedding = try RotaryEmbedding(
      headDimension: 2, theta: 10000, scaling: Self.llama3(low: low, high: high, original: context))
    let smooth = (context / Float(2 * Double.pi) - low) / (high - low)
    let expected = (1 - smooth) * 1 / 8 + smooth * 1
    #expect(expected != 1 && expected != 1 / 8)
    expectSameBits(embedding.inverseFrequencies, [expected])
  }

  @Test("it takes the largest head")
  func takesLargestHead() throws {
    let embedding = try RotaryEmbedding(headDimension: 65536, theta: 10000)
    #expect(embedding.inverseFrequencies.count == 32768)
  }

  @Test("it takes any position", arguments: [Int.max, .min, -1])
  func takesAnyPosition(position: Int) throws {
    let embedding = try RotaryEmbedding(headDimension: 2, theta: 10000)
    let y = try rotate([1, 0], positions: [position], heads: 1, by: embedding)
    let angle = Float(position)
    expectSameBits(
      y,
      [
        CorrectlyRounded.cos(angle) - 0 * CorrectlyRounded.sin(angle),
        0 * CorrectlyRounded.cos(angle) + CorrectlyRounded.sin(angle),
      ])
  }

  @Test("it refuses tables that no memory holds")
  func refusesTables() throws {
    let embedding = try RotaryEmbedding(headDimension: 65536, theta: 10000)
    let positions = [Int](repeating: 0, count: 65537)
    #expect(
      throws: KernelError.tooManyElements(
        argument: "cos", shape: [65537, 32768], maximum: 1 << 31)
    ) {
      try embedding.tables(for: positions)
    }
  }

  @Test("it makes no tables for rows without heads")
  func takesNoHeads() throws {
    let embedding = try RotaryEmbedding(headDimension: 65536, theta: 10000)
    let positions = [Int](repeating: 0, count: 1 << 20)
    #expect(try rotate([], positions: positions, heads: 0, by: embedding).isEmpty)
  }

  @Test("it refuses a number of heads out of range", arguments: [-1, .max])
  func refusesHeadCount(heads: Int) throws {
    let embedding = try RotaryEmbedding(headDimension: 4, theta: 10000)
    #expect(
      throws: KernelError.invalidDimension(
        argument: "x", shape: [1, heads, 4], maximum: 1 << 31)
    ) {
      try rotate([], positions: [0], heads: heads, by: embedding)
    }
  }

  static let refusedScalings: [(RotaryScaling, String)] = [
    (.linear(factor: 0), "factor"),
    (.linear(factor: .infinity), "factor"),
    (llama3(factor: -1), "factor"),
    (llama3(low: 0), "low_freq_factor"),
    (llama3(high: .nan), "high_freq_factor"),
    (llama3(original: 0), "original_max_position_embeddings"),
    (llama3(low: 4, high: 4), "high_freq_factor"),
    (llama3(low: 4, high: 1), "high_freq_factor"),
  ]

  private static func llama3(
    factor: Float = 8, low: Float = 1, high: Float = 4, original: Float = 8192
  ) -> RotaryScaling {
    .llama3(
      factor: factor, lowFrequencyFactor: low, highFrequencyFactor: high,
      originalContext: original)
  }

  @Test("it refuses a scaling and names the field", arguments: refusedScalings)
  func refusesScaling(scaling: RotaryScaling, field: String) {
    do throws(KernelError) {
      _ = try RotaryEmbedding(headDimension: 4, theta: 10000, scaling: scaling)
      Issue.record("it is accepted")
    } catch {
      guard case .outOfRange("rope_scaling.\(field)", _, _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test("it refuses heads of another size")
  func refusesHeads() throws {
    let embedding = try RotaryEmbedding(headDimension: 4, theta: 10000)
    #expect(throws: KernelError.elementCount(argument: "x", expected: 16, actual: 15)) {
      try rotate([Float](repeating: 1, count: 15), positions: [0, 1], heads: 2, by: embedding)
    }
  }
}
