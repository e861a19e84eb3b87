import MeteoRAMath

// RowProduct: up to eight rows, read where they are, against some panels of weights.
//
//   for 8 (4, 1) rows at a time:      for each panel, or two of 32 outputs where rows are 4 or 1:
//     for each block of 128 k:          y[rows][panels] += chain(block)
//
//   weights    ──▶──▶──▶──▶──▶──▶     one panel after the other, each read once, from end to end
//   x          ▪▪▪▪ again for every panel: stays in the first-level cache, as y does
//
// Few rows leave the loop waiting for memory, which the hardware fetches ahead of a loop that reads
// on steadily. Two panels are two such streams, and twice as many chains for the latency of fma.

extension WeightMatrix {
  /// Writes the dot products of `rows` with the outputs of some panels.
  ///
  /// - Parameters:
  ///   - rows: `count` pointers to `inFeatures` elements each.
  ///   - y: Row r's outputs of the first panel go to `y + r * yStride`, those of the others behind.
  func multiply(
    _ panels: ArraySlice<Panel>, rows: UnsafePointer<UnsafePointer<Float>>, count: Int,
    to y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    guard let first = panels.first else { return }
    var row = 0
    while row < count {
      let group = min(8, count - row)
      let rowCount = rowsOfLoop(taking: group)
      var index = panels.startIndex
      while index < panels.endIndex {
        let panel = panels[index]
        let target = y + row * yStride + panel.firstOutput - first.firstOutput
        if group < rowCount || panel.outputs < panel.width.rawValue {
          multiplyFilled(panel, rows: rows + row, count: group, to: target, yStride: yStride)
          index += 1
        } else {
          let isPair =
            rowCount < 8 && panels.endIndex - index > 1 && panels[index + 1].isWholeAndWide
          multiply(
            panel, andPanelBehind: isPair ? panels[index + 1].byteOffset - panel.byteOffset : nil,
            rows: rows + row, count: rowCount, to: target, yStride: yStride)
          index += isPair ? 2 : 1
        }
      }
      row += group
    }
  }

  /// Where rows are missing takes the last one again, and leaves out the outputs that are padding.
  private func multiplyFilled(
    _ panel: Panel, rows: UnsafePointer<UnsafePointer<Float>>, count: Int,
    to y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let width = panel.width.rawValue
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 8) { filled in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 8 * width) { tile in
        guard let pointers = filled.baseAddress, let start = tile.baseAddress else { return }
        let rowCount = rowsOfLoop(taking: count)
        for index in 0..<rowCount {
          (pointers + index).initialize(to: rows[min(index, count - 1)])
        }
        multiply(
          panel, andPanelBehind: nil, rows: pointers, count: rowCount, to: start, yStride: width)
        for index in 0..<count {
          (y + index * yStride).update(from: start + index * width, count: panel.outputs)
        }
      }
    }
  }

  /// - Parameter distance: Bytes to a second panel, both of 32 outputs; `nil` for one alone.
  private func multiply(
    _ panel: Panel, andPanelBehind distance: Int?, rows: UnsafePointer<UnsafePointer<Float>>,
    count: Int, to y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    let width = distance == nil ? panel.width.rawValue : 2 * panel.width.rawValue
    for row in 0..<count { (y + row * yStride).update(repeating: 0, count: width) }
    for first in stride(from: 0, to: inFeatures, by: DotProduct.blockLength) {
      let range = first..<min(first + DotProduct.blockLength, inFeatures)
      let weights = block(panel, at: first)
      if let distance {
        addBlock(
          rows: rows, rowCount: count, range: range, weights: weights, andPanelBehind: distance,
          to: y, yStride: yStride)
      } else {
        addBlock(
          rows: rows, rowCount: count, range: range, weights: weights, to: y, yStride: yStride)
      }
    }
  }
}
