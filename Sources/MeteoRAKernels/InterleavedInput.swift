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
    self.init(rowCount: rows, width: width, parallelism: parallelism) { x + $0 * width }
  }

  /// Copies rows of `width` elements, wherever they begin.
  init(rows: [UnsafePointer<Float>], width: Int) {
    self.init(rowCount: rows.count, width: width, parallelism: .serial) { rows[$0] }
  }

  private init(
    rowCount: Int, width: Int, parallelism: Parallelism, row: (Int) -> UnsafePointer<Float>
  ) {
    rows = rowCount
    paddedRows = Self.paddedRows(rowCount)
    memory = AlignedMemory(byteCount: paddedRows * width * MemoryLayout<Float>.size)
    start = memory.floats
    parallelism.forEachRange(of: groups) { range in
      for group in range { interleave(group, width: width, row: row) }
    }
  }

  /// Copies columns of `rows`, as the rows that they are of the transposed matrix: element k of
  /// row r is column `columns.lowerBound + r` of `rows[k]`.
  init(columns: Range<Int>, of rows: [UnsafePointer<Float>], parallelism: Parallelism) {
    self.rows = columns.count
    paddedRows = Self.paddedRows(columns.count)
    memory = AlignedMemory(byteCount: paddedRows * rows.count * MemoryLayout<Float>.size)
    start = memory.floats
    parallelism.forEachRange(of: groups) { range in
      for first in stride(from: 0, to: rows.count, by: DotProduct.blockLength) {
        let block = rows[first..<min(first + DotProduct.blockLength, rows.count)]
        for group in range {
          copy(
            block, from: columns.lowerBound + group * 8,
            to: start + first * paddedRows + group * 8 * block.count,
            count: min(rowCount(ofGroup: group), columns.count - group * 8),
            stride: rowCount(ofGroup: group))
        }
      }
    }
  }

  /// Copies `count` elements of rows, from a column on, one below the other; what is left up to
  /// `stride` becomes zero.
  private func copy(
    _ rows: ArraySlice<UnsafePointer<Float>>, from column: Int,
    to target: UnsafeMutablePointer<Float>, count: Int, stride: Int
  ) {
    var target = target
    if count == 8 {
      for row in rows {
        UnsafeMutableRawPointer(target).storeBytes(
          of: UnsafeRawPointer(row + column).loadUnaligned(as: SIMD8<Float>.self),
          as: SIMD8<Float>.self)
        target += 8
      }
      return
    }
    for row in rows {
      for r in 0..<stride { target[r] = r < count ? row[column &+ r] : 0 }
      target += stride
    }
  }

  private static func paddedRows(_ rows: Int) -> Int {
    let rest = rows % 8
    return rows - rest + (rest == 0 ? 0 : rest <= 4 ? 4 : 8)
  }

  /// Groups of rows.
  var groups: Int { (paddedRows + 7) / 8 }

  /// Rows of a group, 8 or 4.
  func rowCount(ofGroup group: Int) -> Int { min(8, paddedRows - group * 8) }

  /// The elements of a group from `k` on, a multiple of 128; the block has `count` of them.
  func group(_ group: Int, at k: Int, count: Int) -> UnsafePointer<Float> {
    UnsafePointer(start + k * paddedRows + group * 8 * count)
  }

  /// Copies the rows of a group.
  private func interleave(_ group: Int, width: Int, row: (Int) -> UnsafePointer<Float>) {
    let rowCount = rowCount(ofGroup: group)
    let existing = min(rowCount, rows - group * 8)
    let x = row(group * 8)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 8) { offsets in
      guard let offsets = offsets.baseAddress else { return }
      for r in 0..<existing { (offsets + r).initialize(to: row(group * 8 + r) - x) }
      for first in stride(from: 0, to: width, by: DotProduct.blockLength) {
        let count = min(DotProduct.blockLength, width - first)
        let target = start + first * paddedRows + group * 8 * count
        var k = 0
        while existing == 8, k &+ 8 <= count {
          gatherEight(x + first + k, offsets: offsets, to: target + k &* 8, stride: 8)
          k &+= 8
        }
        while k < count {
          for r in 0..<rowCount {
            target[k &* rowCount &+ r] = r < existing ? x[offsets[r] &+ first &+ k] : 0
          }
          k &+= 1
        }
      }
    }
  }
}
