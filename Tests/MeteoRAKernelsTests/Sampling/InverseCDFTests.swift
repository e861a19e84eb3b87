import Testing

@testable import MeteoRAKernels

@Suite("The id that a random number picks")
struct InverseCDFTests {
  private static let largest = Float(1).nextDown

  @Test("never has a probability of 0, at the borders of blocks and of the numbers")
  func hasProbability() {
    for (count, seed) in [1, 2, 127, 128, 129, 300, 1000].enumerated().map({ ($1, $0) }) {
      var random = SeededRandom(seed)
      var probabilities = random.floats(count)
      for index in probabilities.indices where random.next() % 3 == 0 || index == count - 1 {
        probabilities[index] = -.infinity
      }
      probabilities[count / 2] = 1
      softmax(row: &probabilities)
      var previous = 0
      let numbers = [0, 0x1p-24] + (1..<200).map { Float($0) / 200 } + [Self.largest]
      for u in numbers {
        let id = inverseCDF(of: probabilities, at: u)
        #expect(probabilities[id] > 0)
        // A larger number never picks a lower id.
        #expect(id >= previous)
        previous = id
      }
    }
  }

  @Test(
    "is the first whose end lies above the number",
    arguments: [
      (0, 1), (0.2499999, 1), (0.25, 3), (0.7499999, 3), (0.75, 4), (largest, 4),
    ] as [(Float, Int)])
  func borders(u: Float, id: Int) {
    #expect(inverseCDF(of: [0, 0.25, 0, 0.5, 0.25, 0], at: u) == id)
  }

  @Test("is measured by the sum that there is, were it not 1")
  func totals() {
    // Ten thousand equal ones add up to less or more than 1, and the last can still be drawn.
    for count in [10_000, 4099, 3] {
      let probabilities = [Float](repeating: 1 / Float(count), count: count)
      #expect(inverseCDF(of: probabilities, at: 0) == 0)
      #expect(inverseCDF(of: probabilities, at: Self.largest) == count - 1)
    }
  }
}
