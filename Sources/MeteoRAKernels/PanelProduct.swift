import MeteoRAMath

// PanelProduct: all rows of an input against one panel of weights.
//
//   for each block of 128 k:  for 8 (4, 1) rows at a time:  y[rows][panel] += chain(block)
//
// The weights of a block (16 KiB at most) stay in the first-level cache while the rows pass. Two-
// byte weights are widened there once, if enough rows share them. The totals of many rows are kept
// side by side until all blocks were added: rows of y are often a power of two apart, so that their
// lines would drive each other out of the caches.

extension WeightMatrix {
  /// Writes the dot products of `rows` with the outputs of `panel`.
  ///
  /// - Parameters:
  ///   - rows: `count` pointers to `inFeatures` elements each.
  ///   - blockStride: Elements from a block of 128 k of a row to the next; 128 where they are whole.
  ///   - y: Row r's outputs of this panel go to `y + r * yStride`, `panel.outputs` of them.
  func multiply(
    _ panel: Panel, rows: UnsafePointer<UnsafePointer<Float>>, count: Int,
    blockStride: Int = DotProduct.blockLength, to y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let width = panel.width.rawValue
    if panel.outputs == width && count < 16 {
      multiplyFull(
        panel, rows: rows, count: count, blockStride: blockStride, to: y, yStride: yStride)
      return
    }
    // And the padded outputs must not land beyond the row.
    let rowsAtATime = min(count, 512)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rowsAtATime * width) { scratch in
      guard let tile = scratch.baseAddress else { return }
      var first = 0
      while first < count {
        let tileRows = min(rowsAtATime, count - first)
        multiplyFull(
          panel, rows: rows + first, count: tileRows, blockStride: blockStride, to: tile,
          yStride: width)
        for row in 0..<tileRows {
          (y + (first + row) * yStride).update(from: tile + row * width, count: panel.outputs)
        }
        first += tileRows
      }
    }
  }

  private func multiplyFull(
    _ panel: Panel, rows: UnsafePointer<UnsafePointer<Float>>, count: Int, blockStride: Int,
    to y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let width = panel.width.rawValue
    for row in 0..<count { (y + row * yStride).update(repeating: 0, count: width) }
    let widens = format != .float32 && count >= 4
    withUnsafeTemporaryAllocation(
      byteCount: widens ? DotProduct.blockLength * width * 4 : 1, alignment: 64
    ) { scratch in
      guard let widened = scratch.baseAddress else { return }
      for first in stride(from: 0, to: inFeatures, by: DotProduct.blockLength) {
        let length = min(DotProduct.blockLength, inFeatures - first)
        let start = first / DotProduct.blockLength * blockStride
        let range = start..<start + length
        var weights = block(panel, at: first)
        if widens {
          widenBlock(weights, count: range.count, into: widened)
          weights = WeightBlock(
            base: UnsafeRawPointer(widened), stride: width * 4, format: .float32,
            width: panel.width)
        }
        addBlock(
          allRows: rows, count: count, range: range, weights: weights, to: y, yStride: yStride)
      }
    }
  }
}

/// ``addBlock(rows:rowCount:range:weights:to:yStride:)`` for any number of rows.
func addBlock(
  allRows rows: UnsafePointer<UnsafePointer<Float>>, count: Int, range: Range<Int>,
  weights: WeightBlock, to y: UnsafeMutablePointer<Float>, yStride: Int
) {
  var row = 0
  while row < count {
    let remaining = count - row
    let rowCount = remaining >= 8 ? 8 : remaining >= 4 ? 4 : 1
    addBlock(
      rows: rows + row, rowCount: rowCount, range: range, weights: weights,
      to: y + row * yStride, yStride: yStride)
    row += rowCount
  }
}
