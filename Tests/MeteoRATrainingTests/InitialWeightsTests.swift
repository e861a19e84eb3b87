import MeteoRAMath
import Testing

@testable import MeteoRATraining

@Suite("Weights to begin with")
struct InitialWeightsTests {
  private let weights = InitialWeights(seed: 7 << 32 | 3)

  @Test("uniform ones are what the documentation says")
  func uniform() {
    // FNV-1a of "ab" in 32 bits.
    let words = Philox.words(counter: [1, 0, 0x4D25_05CA, 4], key: [3, 7])
    let numbers = weights.uniform("ab", count: 7, bound: 0.25)
    #expect(numbers.count == 7)
    for j in 0..<3 {
      #expect(numbers[4 + j] == 0.25 * (2 * (Float(words[j] >> 8) * 0x1p-24) - 1))
    }
  }

  @Test("they depend on the name and the seed, and not on how many there are")
  func names() {
    let numbers = weights.normal("a", count: 9, deviation: 1)
    #expect(Array(weights.normal("a", count: 100, deviation: 1).prefix(9)) == numbers)
    #expect(weights.normal("b", count: 9, deviation: 1) != numbers)
    #expect(InitialWeights(seed: 1).normal("a", count: 9, deviation: 1) != numbers)
  }

  @Test("they have the mean and the deviation that they should")
  func moments() {
    let count = 100_000
    let normal = weights.normal("n", count: count, deviation: 0.02)
    let uniform = weights.uniform("u", count: count, bound: 0.5)
    func moments(_ values: [Float]) -> (mean: Double, deviation: Double) {
      let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
      let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      return (mean, (squares / Double(values.count)).squareRoot())
    }
    #expect(abs(moments(normal).mean) < 3e-4 && abs(moments(normal).deviation - 0.02) < 2e-4)
    #expect(abs(moments(uniform).mean) < 4e-3)
    #expect(abs(moments(uniform).deviation - 0.5 / 3.0.squareRoot()) < 2e-3)
    #expect(uniform.allSatisfy { $0 >= -0.5 && $0 < 0.5 } && normal.allSatisfy(\.isFinite))
  }
}
