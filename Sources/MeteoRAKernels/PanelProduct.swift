import MeteoRAMath

// PanelProduct: all rows of an input against one panel of weights.
//
//   for each block of 128 k:  for 8 (4, 1) rows at a time:  y[rows][panel] += chain(block)
//
// The weights of a block (16 KiB at most) stay in the first-level cache while the rows pass, and
// so do the totals, which are kept side by side until all blocks were added: rows of y are often a
// power of two apart, so that their lines would drive each other out of the caches.
//
// Where the weights come from memory, the loop has to fetch and compute at the same time:
//   1 to 8 rows     one group: the hardware fetches ahead of a loop that reads on steadily
//   9 to 16 rows    two groups take turns every 16 k, so that the loop still reads on steadily
//   57 rows and more    while a block is used, the lines of the next one are touched

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
          let isPair = rowCount < 8 && panels.endIndex - index > 1 && panels[index + 1].isWhole
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

  /// Writes the dot products of an input with the outputs of `panel`, `[paddedRows, width]`.
  func multiply(
    _ panel: Panel, _ input: InterleavedInput, to y: UnsafeMutablePointer<Float>
  ) {
    let width = panel.width.rawValue
    let groups = input.groups
    y.update(repeating: 0, count: input.paddedRows * width)
    withProductScratch(width: width) { scratch in
      for first in stride(from: 0, to: inFeatures, by: DotProduct.blockLength) {
        let count = min(DotProduct.blockLength, inFeatures - first)
        let weights = block(panel, at: first)
        if groups == 2 {
          addInTurns(input, at: first, count: count, weights: weights, scratch: scratch, to: y)
          continue
        }
        let upcoming = upcoming(after: weights, count: count, groups: groups, scratch: scratch)
        let usable = scratch.widen(weights, count: count)
        for group in 0..<groups {
          addBlock(
            interleaved: input.group(group, at: first, count: count),
            rowCount: input.rowCount(ofGroup: group), part: BlockPart(count: count),
            weights: usable, upcoming: upcoming?.after(group * DotProduct.blockLength),
            to: y + group * 8 * width, yStride: width)
        }
      }
    }
  }

  /// Adds a block of two groups of rows, 16 k of one and 16 k of the other in turn.
  private func addInTurns(
    _ input: InterleavedInput, at first: Int, count: Int, weights: WeightBlock,
    scratch: ProductScratch, to y: UnsafeMutablePointer<Float>
  ) {
    let width = weights.width.rawValue
    for k in stride(from: 0, to: count, by: 16) {
      let steps = min(16, count - k)
      var piece = weights
      piece.base += k * weights.stride
      piece = scratch.widen(piece, count: steps)
      for group in 0..<2 {
        let rowCount = input.rowCount(ofGroup: group)
        addBlock(
          interleaved: input.group(group, at: first, count: count) + k * rowCount,
          rowCount: rowCount,
          part: BlockPart(
            count: steps, sums: scratch.sums + group * 8 * width, isFirst: k == 0,
            isLast: k + steps == count),
          weights: piece, upcoming: nil, to: y + group * 8 * width, yStride: width)
      }
    }
  }

  /// The lines of the block behind `weights`, where enough groups share the work.
  private func upcoming(
    after weights: WeightBlock, count: Int, groups: Int, scratch: ProductScratch
  ) -> UpcomingLines? {
    // As many lines as a whole block has, or a few more, while the groups pass.
    let lines = UpcomingLines(
      from: weights.base + count * weights.stride,
      interval: max(groups * UpcomingLines.lineBytes / weights.stride, 1),
      witness: scratch.witness)
    let end = lines.after(groups * DotProduct.blockLength).base
    return groups >= 8 && end <= endOfMemory ? lines : nil
  }
}

/// What the product with one panel needs beside inputs and outputs; it stays in the first-level cache.
private struct ProductScratch {
  /// Room for a block of binary32 weights.
  let widened: UnsafeMutableRawPointer
  /// `[16, width]`.
  let sums: UnsafeMutablePointer<Float>
  let witness: UnsafeMutablePointer<UInt32>

  /// The weights as they are cheap to read often: those of binary16 are widened once.
  func widen(_ weights: WeightBlock, count: Int) -> WeightBlock {
    guard weights.format == .float16 else { return weights }
    widenBlock(weights, count: count, into: widened)
    return WeightBlock(
      base: UnsafeRawPointer(widened), stride: weights.width.rawValue * MemoryLayout<Float>.size,
      format: .float32, width: weights.width)
  }
}

private func withProductScratch(width: Int, _ body: (ProductScratch) -> Void) {
  let size = MemoryLayout<Float>.size
  let (weights, sums) = (DotProduct.blockLength * width * size, 16 * width * size)
  withUnsafeTemporaryAllocation(byteCount: weights + sums + size, alignment: 64) { memory in
    guard let base = memory.baseAddress else { return }
    body(
      ProductScratch(
        widened: base, sums: (base + weights).assumingMemoryBound(to: Float.self),
        witness: (base + weights + sums).assumingMemoryBound(to: UInt32.self)))
  }
}
