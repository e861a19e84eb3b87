import MeteoRAMath
import Testing

@Suite("Equality of the contract")
struct BitEqualityTests {
  @Test("takes NaN for equal, whatever its payload and sign")
  func equatesNaN() {
    #expect(BitEquality.equal(.nan, Float(bitPattern: 0xFFC0_0001)))
    #expect(!BitEquality.equal(.nan, .infinity))
    #expect(!BitEquality.equal(1, .nan))
  }

  @Test("tells +0 from −0")
  func distinguishesZeros() {
    #expect(!BitEquality.equal(0, -0.0))
    #expect(BitEquality.equal(-0.0, -0.0))
  }

  @Test("tells neighbours apart")
  func distinguishesNeighbours() {
    #expect(BitEquality.equal(1, 1))
    #expect(!BitEquality.equal(1, Float(1).nextUp))
  }

  @Test("finds the first element that differs")
  func findsFirstDifference() {
    #expect(BitEquality.firstDifference([1, .nan, 3], [1, -.nan, 3]) == nil)
    #expect(BitEquality.firstDifference([1, 0, 3], [1, -0.0, 4]) == 1)
    #expect(BitEquality.firstDifference([Float](), []) == nil)
  }

  @Test("counts a missing element as different")
  func findsMissingElement() {
    #expect(BitEquality.firstDifference([1, 2], [1, 2, 3]) == 2)
    #expect(BitEquality.firstDifference([1], []) == 0)
  }
}
