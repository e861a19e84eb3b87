import MeteoRAKernels
import MeteoRATestSupport
import Testing

@Suite("Cross-entropy")
struct CrossEntropyTests {
  @Test(
    "it gives the losses of labelled rows, and leaves the others alone",
    arguments: [(1, 1), (6, 5), (9, 130), (3, 1031)], threadCounts)
  func givesLosses(size: (rows: Int, width: Int), threads: Int) throws {
    let (rows, width) = size
    var random = SeededRandom(rows + width)
    let logits = random.floats(rows * width).map { 5 * $0 }
    let labels = stride(from: 0, to: rows, by: 2).map { row in
      LabelledRow(row: row, label: Int.random(in: 0..<width, using: &random))
    }
    let memory = GuardedOperands(
      [logits, labels.map { _ in .nan }], margin: .largestNumber)
    crossEntropyGradient(
      memory.pointers[0], width: width, rows: labels[...], scale: 1, losses: memory.pointers[1],
      parallelism: try Parallelism(threads: threads))
    #expect(memory.isIntact)
    let expected = Reference.crossEntropy(
      logits.map(Double.init), width: width, labels: labels.map { ($0.row, $0.label) })
    for (index, loss) in memory.values[1].enumerated() {
      #expect(abs(Double(loss) - expected[index]) < 4e-6, "row \(labels[index].row)")
    }
    for row in stride(from: 1, to: rows, by: 2) {
      let range = row * width..<(row + 1) * width
      expectSameBits(Array(memory.values[0][range]), Array(logits[range]), "row \(row)")
    }
  }

  @Test("its sum is one of blocks that begin with a batch's first", arguments: [1, 128, 129, 2000])
  func sumsBlocks(count: Int) {
    var random = SeededRandom(count)
    let losses = random.floats(count)
    var total: Float = 0.7
    var expected = total
    for first in stride(from: 0, to: count, by: 128) {
      expected += losses[first..<min(first + 128, count)].reduce(0, +)
    }
    losses.withUnsafeBufferPointer { addLosses($0, to: &total) }
    expectSameBits([total], [expected])
  }
}
