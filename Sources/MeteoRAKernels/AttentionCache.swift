import MeteoRAMath

/// The rotated keys and the values of one layer of one sequence.
///
/// Positions live in blocks of 128, the contract's block of a sum, which are allocated as the
/// sequence grows and never move. Inside a block, each kv head has its keys as panels of 32
/// positions (side by side for each element of the head, as a weight panel has its outputs) and
/// its values as rows, so that scores and weighted sums both run on ``addBlock(rows:rowCount:range:weights:to:yStride:)``.
package final class AttentionCache {
  package let keyValueHeads: Int
  package let dimension: Int
  /// Positions held.
  package private(set) var count = 0

  static var blockLength: Int { DotProduct.blockLength }
  static var panel: PanelWidth { .wide }

  /// Elements of a value row, padded to the narrowest panel.
  let valueStride: Int
  private var blocks: [AlignedMemory] = []

  package init(keyValueHeads: Int, dimension: Int) {
    self.keyValueHeads = keyValueHeads
    self.dimension = dimension
    let unit = PanelWidth.narrow.rawValue
    valueStride = (dimension + unit - 1) / unit * unit
  }

  /// Bytes that the positions take.
  package var byteCount: Int { blocks.count * blockBytes }

  /// Bytes that so many positions would take; `Int.max` for more than can be counted.
  package func byteCount(of positions: Int) -> Int {
    let blocks = positions / Self.blockLength + (positions % Self.blockLength == 0 ? 0 : 1)
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: blockBytes)
    return overflow ? Int.max : bytes
  }

  private var headElements: Int { Self.blockLength * (dimension + valueStride) }
  private var blockBytes: Int { keyValueHeads * headElements * MemoryLayout<Float>.size }

  /// Appends `rows` positions.
  ///
  /// - Parameters:
  ///   - keys: `[rows, keyValueHeads, dimension]`, rotated.
  ///   - values: As `keys`.
  package func append(keys: UnsafePointer<Float>, values: UnsafePointer<Float>, rows: Int) {
    let width = Self.panel.rawValue
    for row in 0..<rows {
      let place = count % Self.blockLength
      if place == 0 {
        let block = AlignedMemory(byteCount: blockBytes)
        // The scores of positions to come are computed with the panel, and dropped.
        block.address.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
        blocks.append(block)
      }
      for head in 0..<keyValueHeads {
        let source = (row * keyValueHeads + head) * dimension
        let base = headBase(head, block: count / Self.blockLength)
        let keyColumn = base + place / width * width * dimension + place % width
        let valueRow = base + Self.blockLength * dimension + place * valueStride
        for i in 0..<dimension {
          keyColumn[i * width] = keys[source + i]
          valueRow[i] = values[source + i]
        }
      }
      count += 1
    }
  }

  /// The keys of 32 positions: element k of all of them, then element k + 1.
  func keys(head: Int, block: Int, panel: Int) -> WeightBlock {
    let width = Self.panel.rawValue
    let base = headBase(head, block: block) + panel * width * dimension
    return WeightBlock(
      base: UnsafeRawPointer(base), stride: width * MemoryLayout<Float>.size, format: .float32,
      width: Self.panel)
  }

  /// Elements `first ..< first + width` of the values of a block's positions.
  func values(head: Int, block: Int, first: Int, width: PanelWidth) -> WeightBlock {
    let base = headBase(head, block: block) + Self.blockLength * dimension + first
    return WeightBlock(
      base: UnsafeRawPointer(base), stride: valueStride * MemoryLayout<Float>.size,
      format: .float32, width: width)
  }

  private func headBase(_ head: Int, block: Int) -> UnsafeMutablePointer<Float> {
    blocks[block].address.assumingMemoryBound(to: Float.self) + head * headElements
  }
}
