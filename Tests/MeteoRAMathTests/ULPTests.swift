import MeteoRAMath
import Testing

@Suite("Distance in units in the last place")
struct ULPTests {
  @Test(
    "counts the steps between two binary32 numbers",
    arguments: [
      (1, 1, 0), (1, Float(1).nextUp, 1), (1, Float(1).nextDown, 1), (1, 2, 1 << 23),
      (0, -0.0, 1), (0, 0x1p-149, 1), (-0.0, 0x1p-149, 2), (-0x1p-149, 0x1p-149, 3),
      (.greatestFiniteMagnitude, .infinity, 1), (-.infinity, .infinity, 2 * 0x7F80_0000 + 1),
      (.leastNormalMagnitude, Float.leastNormalMagnitude.nextDown, 1), (-1, -2, 1 << 23),
    ] as [(Float, Float, UInt64)])
  func countsSteps(a: Float, b: Float, expected: UInt64) {
    #expect(ULP.distance(a, b) == expected)
    #expect(ULP.distance(b, a) == expected)
  }

  @Test(
    "counts the steps between two binary64 numbers",
    arguments: [
      (1, 1, 0), (1, 1.0.nextUp, 1), (1, 2, 1 << 52), (0, -0.0, 1),
      (.greatestFiniteMagnitude, .infinity, 1),
      (-.infinity, .infinity, 2 * 0x7FF0_0000_0000_0000 + 1),
    ] as [(Double, Double, UInt64)])
  func countsStepsOfDouble(a: Double, b: Double, expected: UInt64) {
    #expect(ULP.distance(a, b) == expected)
    #expect(ULP.distance(b, a) == expected)
  }

  @Test("takes all NaN for one value, far from every number")
  func treatsNaNAsOneValue() {
    let other = Float(bitPattern: 0xFFC0_1234)
    #expect(ULP.distance(Float.nan, other) == 0)
    #expect(ULP.distance(Float.nan, 1) == .max)
    #expect(ULP.distance(Float.infinity, other) == .max)
    #expect(ULP.distance(Double.nan, -.nan) == 0)
    #expect(ULP.distance(0, Double.nan) == .max)
  }
}
