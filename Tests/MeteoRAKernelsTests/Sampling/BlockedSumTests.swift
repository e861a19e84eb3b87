import MeteoRAMath
import Testing

@testable import MeteoRAKernels

@Suite("A sum that is known after each element")
struct BlockedSumTests {
  @Test("is the dot product with as many ones, and never falls")
  func equalsDotProduct() throws {
    var random = SeededRandom(3)
    let elements = random.floats(700).map(abs)
    var sum = BlockedSum()
    #expect(sum.value == 0)
    var before: Float = 0
    for (index, element) in elements.enumerated() {
      sum.add(element)
      let ones = [Float](repeating: 1, count: index + 1)
      let expected = try DotProduct.dot(Array(elements[...index]), ones)
      #expect(sum.value.bitPattern == expected.bitPattern, "\(index + 1) elements")
      #expect(sum.value >= before)
      before = sum.value
    }
  }
}
