import MeteoRAKernels
import MeteoRAMath
import Testing

/// Records an issue unless two arrays have the same bits (any NaN equals any NaN).
func expectSameBits(
  _ actual: [Float], _ expected: [Float], _ context: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let difference = BitEquality.firstDifference(actual, expected)
  guard let index = difference else { return }
  guard index < actual.count, index < expected.count else {
    Issue.record(
      "\(context()): \(actual.count) elements, expected \(expected.count)",
      sourceLocation: sourceLocation)
    return
  }
  let (a, e) = (actual[index], expected[index])
  Issue.record(
    """
    \(context()): element \(index) is \(a) [\(String(a.bitPattern, radix: 16))], \
    expected \(e) [\(String(e.bitPattern, radix: 16))]
    """, sourceLocation: sourceLocation)
}

/// Memory for outputs between two margins that nothing may write to.
struct GuardedOutput {
  static let margin = 80
  private static let untouched = Float(bitPattern: 0x7fa5_5a5a)

  private var memory: [Float]
  private let count: Int

  init(_ initial: [Float]) {
    let margin = [Float](repeating: Self.untouched, count: Self.margin)
    memory = margin + initial + margin
    count = initial.count
  }

  init(count: Int) {
    self.init([Float](repeating: Self.untouched, count: count))
  }

  /// Calls `body` with the place of the first output.
  mutating func write(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    memory.withUnsafeMutableBufferPointer { memory in
      guard let start = memory.baseAddress else { return }
      body(start + Self.margin)
    }
  }

  var output: [Float] { Array(memory[Self.margin..<Self.margin + count]) }

  /// Whether both margins are as they were.
  var isIntact: Bool {
    let margins = memory[..<Self.margin] + memory[(Self.margin + count)...]
    return margins.allSatisfy { $0.bitPattern == Self.untouched.bitPattern }
  }
}

/// Thread counts that results must not depend on: one, the cores of a small machine, more than
/// divide the work evenly, more than there is work.
let threadCounts = [1, 2, 5, 64]

/// The dot product of row `i` of `a` with row `j` of `b`, rows of `count` elements.
func dot(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int, _ count: Int) -> Float {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      guard let a = a.baseAddress, let b = b.baseAddress else { return 0 }
      return DotProduct.dot(a + i * count, b + j * count, count: count)
    }
  }
}
