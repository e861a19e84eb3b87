import MeteoRAKernels
import Testing

@Suite("Gradients of operations")
struct GradientTests {
  private static let examples =
    GradientExample.linear + GradientExample.rows + GradientExample.attention
    + GradientExample.routed + GradientExample.losses

  @Test("they follow differences in binary64, element by element", arguments: examples)
  func followDifferences(_ example: GradientExample) throws {
    let mismatch = try example.firstMismatch()
    #expect(mismatch == nil)
  }

  @Test(
    "they have the same bits with any number of threads, whatever is in memory around",
    arguments: examples)
  func keepToTheirMemory(_ example: GradientExample) throws {
    let expected = try example.results()
    for threads in [1, 2, 5] {
      for margin in GuardedOperands.Margin.allCases {
        _ = try example.withoutNumbers.results(threads: threads, margin: margin)
        let actual = try example.results(threads: threads, margin: margin)
        for (actual, expected) in zip(actual, expected) {
          expectSameBits(actual, expected, "\(threads) threads, margins of \(margin)")
        }
      }
    }
  }
}
