import MeteoRAMath

// Weights the other way round: what reaches the input of a linear layer is a product with its
// transposed weights. They are not kept a second time: a block is brought into order while it is
// used for many rows.

extension WeightMatrix {
  /// The transposed matrix in binary32, `[inFeatures, outFeatures]`.
  func transposed() throws(KernelError) -> WeightMatrix {
    let memory = AlignedMemory(byteCount: 2 * outFeatures * inFeatures * MemoryLayout<Float>.size)
    let (rows, columns) = (memory.floats, memory.floats + outFeatures * inFeatures)
    copyRows(to: rows)
    transpose(
      rows, rows: outFeatures, width: inFeatures, columns: inFeatures, to: columns,
      stride: outFeatures)
    return try WeightMatrix(
      rowMajor: UnsafeRawBufferPointer(
        start: columns, count: outFeatures * inFeatures * MemoryLayout<Float>.size),
      outFeatures: inFeatures, inFeatures: outFeatures, format: .float32)
  }

  /// Writes the weights of some outputs for the inputs of a strip, `[outputs.count, strip.width]`,
  /// widened; zeros where the strip has padding.
  ///
  /// - Parameters:
  ///   - outputs: Begins with a multiple of 32, and is at most 128 long.
  ///   - strip: Of ``inFeatures``.
  ///   - widened: Room for `[32, 32]`.
  func copyTransposed(
    outputs: Range<Int>, strip: Panel, to target: UnsafeMutablePointer<Float>,
    widened: UnsafeMutablePointer<Float>
  ) {
    let stride = strip.width.rawValue
    if strip.outputs < stride {
      target.update(repeating: 0, count: outputs.count * stride)
    }
    let first = outputs.lowerBound / PanelWidth.wide.rawValue
    for panel in panels[first...] {
      if panel.firstOutput >= outputs.upperBound { break }
      let width = panel.width.rawValue
      let weights = block(panel, at: strip.firstOutput)
      var source = weights.base.assumingMemoryBound(to: Float.self)
      if weights.format != .float32 {
        widenBlock(weights, count: strip.outputs, into: UnsafeMutableRawPointer(widened))
        source = UnsafePointer(widened)
      }
      transpose(
        source, rows: strip.outputs, width: width,
        columns: min(panel.outputs, outputs.upperBound - panel.firstOutput),
        to: target + (panel.firstOutput - outputs.lowerBound) * stride, stride: stride)
    }
  }
}

/// Writes column c of `source` to `target + c * stride`.
///
/// - Parameters:
///   - source: `[rows, width]`.
///   - columns: At most `width`.
func transpose(
  _ source: UnsafePointer<Float>, rows: Int, width: Int, columns: Int,
  to target: UnsafeMutablePointer<Float>, stride: Int
) {
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 8) { offsets in
    guard let offsets = offsets.baseAddress else { return }
    for row in 0..<8 { (offsets + row).initialize(to: row * width) }
    var row = 0
    while row &+ 8 <= rows {
      let base = source + row * width
      var column = 0
      while column &+ 8 <= columns {
        gatherEight(
          base + column, offsets: offsets, to: target + column * stride + row, stride: stride)
        column &+= 8
      }
      while column < columns {
        for r in 0..<8 { target[column * stride + row + r] = base[r * width + column] }
        column &+= 1
      }
      row &+= 8
    }
    while row < rows {
      for column in 0..<columns { target[column * stride + row] = source[row * width + column] }
      row &+= 1
    }
  }
}
