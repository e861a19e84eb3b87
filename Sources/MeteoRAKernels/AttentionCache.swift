import MeteoRAMath

// AttentionCache: keys and values of one layer of one sequence, stored as panels of weights are.
//
//   chunk     kv head 0                            kv head 1                          …
//             keys of all its blocks │ values      keys of all its blocks │ values
//
//   a block, 128 positions:
//     keys      [4 panels]    [element of the head]  [32 positions]      scores: k = element
//     values    [panels]      [128 positions]        [32 elements]       sums:   k = position
//
// An append turns rows to columns for the keys, eight positions at a time where eight come, and
// copies rows for the values. Chunks never move; the next one has a quarter more blocks at least.

/// The rotated keys and the values of one layer of one sequence.
///
/// Positions live in blocks of 128, the contract's block of a sum, and blocks in chunks that are
/// allocated as the sequence grows. Panels are read from the first to the last byte. The last ones
/// of values are of 16 or 8 elements, the very last filled up with zeros. A panel is as one of
/// weights is (outputs side by side for each k), so that scores and weighted sums are products like
/// all others. What a token reads of a head is as long as a chunk: where a sequence of reads breaks
/// off, the processor has fetched some 20 KiB too much.
package final class AttentionCache {
  package let keyValueHeads: Int
  package let dimension: Int
  /// Positions held.
  package private(set) var count = 0

  static var blockLength: Int { DotProduct.blockLength }
  static var panel: PanelWidth { .wide }

  /// Elements of a position's values, filled up to the narrowest panel.
  let valueStride: Int
  private let expected: Int
  private var chunks: [AlignedMemory] = []
  private var blocks: [Block] = []

  /// Where a block stands: its chunk begins at `start` and has room for `capacity` blocks.
  private struct Block {
    var start: UnsafeMutablePointer<Float>
    var capacity: Int
    var index: Int
  }

  /// - Parameter positions: How many there will be, as far as is known: the first that come take
  ///   the memory of all of them together.
  package init(keyValueHeads: Int, dimension: Int, expecting positions: Int = 0) {
    self.keyValueHeads = keyValueHeads
    self.dimension = dimension
    let unit = PanelWidth.narrow.rawValue
    valueStride = (dimension + unit - 1) / unit * unit
    expected = positions
  }

  /// Bytes that are taken, with those for positions to come.
  package var byteCount: Int { chunks.reduce(0) { $0 + $1.byteCount } }

  /// Bytes that are taken once there are so many positions, if the next append brings all that are
  /// new; `Int.max` for more than can be counted.
  package func byteCount(of positions: Int) -> Int {
    let (bytes, overflow) = blockCount(for: positions).multipliedReportingOverflow(by: blockBytes)
    return overflow ? Int.max : bytes
  }

  private var blockBytes: Int {
    keyValueHeads * Self.blockLength * (dimension + valueStride) * MemoryLayout<Float>.size
  }

  /// Appends `rows` positions.
  ///
  /// - Parameters:
  ///   - keys: `[rows, keyValueHeads, dimension]`, rotated.
  ///   - values: As `keys`.
  package func append(keys: UnsafePointer<Float>, values: UnsafePointer<Float>, rows: Int) {
    makeRoom(for: rows)
    let width = keyValueHeads * dimension
    var row = 0
    while row < rows {
      let place = count % Self.blockLength
      let block = blocks[count / Self.blockLength]
      // Up to the next place where eight keys stand together.
      let unit = PanelWidth.narrow.rawValue
      let step = min(unit - place % unit, rows - row)
      for head in 0..<keyValueHeads {
        let source = row * width + head * dimension
        append(
          keys + source, stride: width, count: step, at: place,
          toKeysAt: self.keys(block, head: head))
        append(
          values + source, stride: width, count: step, at: place,
          toValuesAt: self.values(block, head: head))
      }
      count += step
      row += step
    }
  }

  /// Blocks that there are once `positions` have room: those at hand, or else as many as are
  /// expected, and not less than a quarter more.
  private func blockCount(for positions: Int) -> Int {
    let held = blocks.count
    let needed = Self.blocks(of: positions)
    return needed > held ? max(needed, Self.blocks(of: expected), held + held / 4) : held
  }

  private static func blocks(of positions: Int) -> Int {
    positions / blockLength + (positions % blockLength == 0 ? 0 : 1)
  }

  /// Allocates blocks for `rows` more positions.
  private func makeRoom(for rows: Int) {
    let capacity = blockCount(for: count + rows) - blocks.count
    guard capacity > 0 else { return }
    let chunk = AlignedMemory(byteCount: capacity * blockBytes)
    chunks.append(chunk)
    let start = chunk.floats
    for index in 0..<capacity {
      blocks.append(Block(start: start, capacity: capacity, index: index))
    }
  }

  private func append(
    _ rows: UnsafePointer<Float>, stride: Int, count: Int, at place: Int,
    toKeysAt base: UnsafeMutablePointer<Float>
  ) {
    let width = Self.panel.rawValue
    let panel = base + place / width * width * dimension
    // The scores of positions to come are computed with those of the panel, and dropped.
    if place % width == 0 { panel.update(repeating: 0, count: width * dimension) }
    let target = panel + place % width
    var transposed = 0
    if count == PanelWidth.narrow.rawValue {
      withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { offsets in
        guard let offsets = offsets.baseAddress else { return }
        for row in 0..<count { (offsets + row).initialize(to: row * stride) }
        while transposed + 8 <= dimension {
          gatherEight(
            rows + transposed, offsets: offsets, to: target + transposed * width, stride: width)
          transposed += 8
        }
      }
    }
    for row in 0..<count {
      for i in transposed..<dimension { target[i * width + row] = rows[row * stride + i] }
    }
  }

  private func append(
    _ rows: UnsafePointer<Float>, stride: Int, count: Int, at place: Int,
    toValuesAt base: UnsafeMutablePointer<Float>
  ) {
    var first = 0
    while first < dimension {
      let width = valueWidth(from: first).rawValue
      let target = base + first * Self.blockLength + place * width
      for row in 0..<count {
        let elements = min(width, dimension - first)
        (target + row * width).update(from: rows + row * stride + first, count: elements)
        (target + row * width + elements).update(repeating: 0, count: width - elements)
      }
      first += width
    }
  }

  /// The keys of 32 positions: element k of all of them, then element k + 1.
  func keys(head: Int, block: Int, panel: Int) -> WeightBlock {
    let width = Self.panel.rawValue
    let base = keys(blocks[block], head: head) + panel * width * dimension
    return WeightBlock(
      base: UnsafeRawPointer(base), stride: width * MemoryLayout<Float>.size, format: .float32,
      width: Self.panel)
  }

  /// The panel of the values of a block's positions that begins with element `first`.
  func values(head: Int, block: Int, first: Int) -> WeightBlock {
    let width = valueWidth(from: first)
    let base = values(blocks[block], head: head) + Self.blockLength * first
    return WeightBlock(
      base: UnsafeRawPointer(base), stride: width.rawValue * MemoryLayout<Float>.size,
      format: .float32, width: width)
  }

  /// The widest panel of values from element `first` on that does not reach beyond `valueStride`.
  private func valueWidth(from first: Int) -> PanelWidth {
    let left = valueStride - first
    if left >= PanelWidth.wide.rawValue { return .wide }
    return left >= PanelWidth.medium.rawValue ? .medium : .narrow
  }

  private func keys(_ block: Block, head: Int) -> UnsafeMutablePointer<Float> {
    let elements = Self.blockLength * block.capacity * (dimension + valueStride)
    return block.start + head * elements + block.index * Self.blockLength * dimension
  }

  private func values(_ block: Block, head: Int) -> UnsafeMutablePointer<Float> {
    let elements = Self.blockLength * block.capacity * (dimension + valueStride)
    return block.start + head * elements
      + Self.blockLength * (block.capacity * dimension + block.index * valueStride)
  }
}
