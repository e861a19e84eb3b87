import Testing

@testable import MeteoRAKernels

@Suite("Ids by descending logit")
struct DescendingLogitsTests {
  private func sorted(_ logits: [Float]) -> [Int] {
    logits.indices.sorted { a, b in
      logits[a] == logits[b] ? a < b : logits[a] > logits[b]
    }
  }

  @Test("are those of a stable sort", arguments: [0, 1, 2, 3, 40, 1000, 5000])
  func equalsSort(count: Int) {
    var random = SeededRandom(count)
    let logits = random.floats(count)
    #expect(Array(DescendingLogits(logits)) == sorted(logits))
  }

  @Test("have the lower id first where logits are equal, and −0 equal +0")
  func ties() {
    let values: [Float] = [
      0, -0.0, 1, -1, .infinity, -.infinity, 2, 2, 3.5, .leastNonzeroMagnitude,
      -.leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    ]
    var random = SeededRandom(7)
    let logits = (0..<400).map { _ in values[Int(random.next() % UInt64(values.count))] }
    #expect(Array(DescendingLogits(logits)) == sorted(logits))
  }

  @Test("can all be in one bucket")
  func oneBucket() {
    #expect(Array(DescendingLogits([Float](repeating: -3, count: 500))) == Array(0..<500))
  }
}
