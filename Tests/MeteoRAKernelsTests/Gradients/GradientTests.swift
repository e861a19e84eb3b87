import MeteoRAKernels
import Testing

@Suite("Gradients of operations")
struct GradientTests {
  private static let examples = GradientExample.Kind.allCases.flatMap(\.examples)

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

  /// A read beside operands ends the process: it is one of its own for all of a kind.
  @Test("they read nothing beside their operands", arguments: GradientExample.Kind.allCases)
  func readTheirOperands(_ kind: GradientExample.Kind) async {
    await #expect(processExitsWith: .success) { [kind] in
      for example in kind.examples {
        for side in PagedOperands.Side.allCases {
          try example.differentiate(
            PagedOperands(example.read, at: side).pointers,
            PagedOperands(example.written, at: side).pointers, threads: 2)
        }
      }
    }
  }
}
