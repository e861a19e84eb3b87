import MeteoRAMath

// PanelProduct: an interleaved input, nine rows and more, against one panel of weights.
//
//   for each block of 128 k:          for each group of 8 (the last one 4) rows:
//                                       totals[rows][panel] += chain(block)
//
//   weights of a block    16 KiB at most: in the first-level cache while the rows pass
//   totals                side by side until all blocks were added, in the first- or second-level
//                         cache: rows of y are often a power of two apart, so that their lines
//                         would drive each other out
//   x                     read on and on, once for every panel: see InterleavedInput.swift
//
// Where the weights come from memory, the loop has to fetch and compute at the same time:
//   9 to 16 rows    two groups take turns every 16 k, so that the loop still reads on steadily
//   57 rows and more    while a block is used, the lines of the next one are touched

extension WeightMatrix {
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
            weights: usable, upcoming: upcoming?.after(passes: group, of: DotProduct.blockLength),
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
    let end = lines.after(passes: groups, of: DotProduct.blockLength).base
    return groups >= 8 && end <= endOfMemory ? lines : nil
  }
}

/// What the product with one panel needs beside inputs and outputs; it stays in the first-level
/// cache.
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
