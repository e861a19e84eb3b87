import MeteoRAMath

// StripProduct: the products of the backward pass, for which no weights lie packed.
//
//   left [rows, k], interleaved       right [k, columns], one block of one strip at a time
//
//   for each strip of 32 columns:                        (the last one of 16 or 8)
//     for each block of 128 k:        right ─▶ 16 KiB, [k][strip]
//       for each group of 8 rows:     totals[rows][strip] += chain(block)
//
//   totals    side by side until all blocks were added, as in PanelProduct.swift
//   right     brought into order once for all rows: transposed weights, or rows of activations
//
// Every total is the dot product of the contract over k, so that the order of strips and groups has
// no influence on any bit.

/// Where a strip's blocks of the right operand come from.
///
/// Fills `[block.count, strip.width]`, zeros where the strip has padding.
typealias StripSource = (
  _ block: Range<Int>, _ strip: WeightMatrix.Panel, _ target: UnsafeMutablePointer<Float>
) -> Void

/// The memory of one thread for strips.
struct StripMemory {
  private let memory: AlignedMemory
  /// `[128, 32]`, a block of the right operand.
  private let block: UnsafeMutablePointer<Float>
  /// `[paddedRows, width]` of the strip.
  let totals: UnsafeMutablePointer<Float>

  /// - Parameter paddedRows: The most of any left operand.
  init(paddedRows: Int) {
    let width = PanelWidth.wide.rawValue
    let blockElements = DotProduct.blockLength * width
    memory = AlignedMemory(
      byteCount: (blockElements + paddedRows * width) * MemoryLayout<Float>.size)
    block = memory.floats
    totals = block + blockElements
  }

  /// Starts all totals at +0.
  func clear(_ strip: WeightMatrix.Panel, paddedRows: Int) {
    totals.update(repeating: 0, count: paddedRows * strip.width.rawValue)
  }

  /// Adds the products of `left` with the columns of a strip to the totals.
  ///
  /// - Parameters:
  ///   - depth: The number of k.
  ///   - isNeeded: Whether a group of rows takes part in the block that begins with k: one whose
  ///     factors are all zero need not.
  func add(
    _ left: InterleavedInput, depth: Int, strip: WeightMatrix.Panel, from source: StripSource,
    where isNeeded: (_ group: Int, _ k: Int) -> Bool = { _, _ in true }
  ) {
    let width = strip.width.rawValue
    let weights = WeightBlock(
      base: UnsafeRawPointer(block), stride: width * MemoryLayout<Float>.size, format: .float32,
      width: strip.width)
    for first in stride(from: 0, to: depth, by: DotProduct.blockLength) {
      let count = min(DotProduct.blockLength, depth - first)
      var isFilled = false
      for group in 0..<left.groups where isNeeded(group, first) {
        if !isFilled { source(first..<first + count, strip, block) }
        isFilled = true
        addBlock(
          interleaved: left.group(group, at: first, count: count),
          rowCount: left.rowCount(ofGroup: group), part: BlockPart(count: count),
          weights: weights, upcoming: nil, to: totals + group * 8 * width, yStride: width)
      }
    }
  }
}

/// Copies some columns of rows: `[rows, strip.width]`, zeros where the strip has padding.
///
/// - Parameter rows: Where each row begins.
func copyStrip(
  _ strip: WeightMatrix.Panel, ofRows rows: UnsafeBufferPointer<UnsafePointer<Float>>,
  to target: UnsafeMutablePointer<Float>
) {
  let width = strip.width.rawValue
  var target = target
  for row in rows {
    copyElements(row + strip.firstOutput, to: target, count: strip.outputs)
    if strip.outputs < width {
      (target + strip.outputs).update(repeating: 0, count: width - strip.outputs)
    }
    target += width
  }
}
