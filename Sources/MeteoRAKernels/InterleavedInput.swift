import MeteoRAMath

/// A copy of an input in the order in which products with many rows read it.
///
/// Rows stand in groups of eight (the last one eight or four, filled up with zeros); of a group,
/// element k of all rows stands side by side; and of a block of 128 k, group after group:
///
///     block 0 [group 0: k 0 [r0…r7] k 1 [r0…r7] …] [group 1: …] …   block 1 [group 0: …] …
///
/// Every panel of weights then reads the copy once, from the first to the last byte, which the
/// hardware foresees. In the input itself rows are often a power of two apart, and drive each other
/// out of the caches.
struct InterleavedInput {
  private let memory: AlignedMemory
  private let start: UnsafeMutablePointer<Float>
  /// Rows that exist.
  let rows: Int
  /// Rows with those that fill the last group.
  let paddedRows: Int

  /// Copies `rows` rows of `width` elements.
  init(
    _ x: UnsafePointer<Float>, rows: Int, width: Int, parallelism: Parallelism
  ) {
    self.rows = rows
    let rest = rows % 8
    paddedRows = rows - rest + (rest == 0 ? 0 : rest <= 4 ? 4 : 8)
    memory = AlignedMemory(byteCount: paddedRows * width * MemoryLayout<Float>.size)
    start = memory.floats
    parallelism.forEachRange(of: groups) { range in
      for group in range {
        for first in stride(from: 0, to: width, by: DotProduct.blockLength) {
          let count = min(DotProduct.blockLength, width - first)
          let target = start + first * paddedRows + group * 8 * count
          interleave(
            x + group * 8 * width + first, group: group, width: width, count: count, to: target)
        }
      }
    }
  }

  /// Groups of rows.
  var groups: Int { (paddedRows + 7) / 8 }

  /// Rows of a group, 8 or 4.
  func rowCount(ofGroup group: Int) -> Int { min(8, paddedRows - group * 8) }

  /// The elements of a group from `k` on, a multiple of 128; the block has `count` of them.
  func group(_ group: Int, at k: Int, count: Int) -> UnsafePointer<Float> {
    UnsafePointer(start + k * paddedRows + group * 8 * count)
  }

  private func interleave(
    _ x: UnsafePointer<Float>, group: Int, width: Int, count: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let rowCount = rowCount(ofGroup: group)
    let existing = min(rowCount, rows - group * 8)
    var k = 0
    if existing == 8 {
      withUnsafeTemporaryAllocation(of: Int.self, capacity: 8) { offsets in
        guard let offsets = offsets.baseAddress else { return }
        for row in 0..<8 { (offsets + row).initialize(to: row * width) }
        while k &+ 8 <= count {
          gatherEight(x + k, offsets: offsets, to: target + k &* 8, stride: 8)
          k &+= 8
        }
      }
    }
    while k < count {
      for row in 0..<rowCount {
        target[k &* rowCount &+ row] = row < existing ? x[row &* width &+ k] : 0
      }
      k &+= 1
    }
  }
}
