import Testing

@testable import MeteoRALlama

@Suite("The random number of a step")
struct UniformNumberTests {
  @Test("is a multiple of 2⁻²⁴ from 0 to below 1, another for every seed and step")
  func range() {
    var numbers: [Float] = []
    for seed in [0, 1, UInt64(UInt32.max), 1 << 32, .max] {
      for step in [0, 1, 2, UInt64(UInt32.max), 1 << 32, .max] {
        numbers.append(uniformNumber(seed: seed, step: step))
      }
    }
    #expect(numbers.allSatisfy { (0..<1).contains($0) && ($0 * 0x1p24).rounded() == $0 * 0x1p24 })
    #expect(Set(numbers).count == numbers.count)
  }

  @Test("is spread evenly over steps of one seed, and over seeds of one step")
  func evenness() {
    let count = 100_000
    let streams = [
      (0..<count).map { uniformNumber(seed: 5, step: UInt64($0)) },
      (0..<count).map { uniformNumber(seed: UInt64($0), step: 5) },
    ]
    for numbers in streams {
      var counts = [Int](repeating: 0, count: 100)
      for number in numbers { counts[Int(number * 100)] += 1 }
      let test = ChiSquareTest(
        observed: counts, probabilities: [Double](repeating: 0.01, count: 100))
      #expect(test.isPassed, "\(test)")
      // Neighbours have nothing to do with each other.
      let pairs = zip(numbers, numbers.dropFirst()).map { (Double($0) - 0.5) * (Double($1) - 0.5) }
      let correlation = pairs.reduce(0, +) / Double(pairs.count) * 12
      #expect(abs(correlation) < 4 / Double(count).squareRoot())
    }
  }
}
