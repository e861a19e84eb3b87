import MeteoRAMath

// WeightGradient: dW[m][n] += dot over rows of (left[row][m], right[row][n]), in blocks of 128 rows.
//
//   left   [rows, M]    one interleaved copy: groups of 8 columns side by side for every row
//   right  [rows, N]    strips of 32 columns, a block of 128 rows at a time
//
// Lanes are columns of the right operand. The totals begin with what stands in dW, so that a
// gradient goes on from batch to batch, and end there.

/// Rows of an operand, wherever each of them begins.
package struct GradientRows {
  let starts: [UnsafePointer<Float>]
  let width: Int

  /// - Parameter starts: Where each row begins.
  init(starts: [UnsafePointer<Float>], width: Int) {
    self.starts = starts
    self.width = width
  }

  /// - Parameter rows: `[count, width]`, row-major.
  package init(_ rows: UnsafePointer<Float>, count: Int, width: Int) {
    starts = (0..<count).map { rows + $0 * width }
    self.width = width
  }

  /// Some rows of a matrix, in the order given.
  package init(_ rows: UnsafePointer<Float>, at indices: some Sequence<Int>, width: Int) {
    starts = indices.map { rows + $0 * width }
    self.width = width
  }
}

/// A gradient in memory: element (m, n) at `start[m * rowStride + n * columnStride]`, where one of
/// the strides is 1.
package struct GradientTarget {
  let start: UnsafeMutablePointer<Float>
  let rowStride: Int
  let columnStride: Int

  /// Row-major, `[M, N]`.
  package init(_ start: UnsafeMutablePointer<Float>, width: Int) {
    self.init(start, rowStride: width, columnStride: 1)
  }

  /// Row-major, `[N, M]`.
  package init(transposed start: UnsafeMutablePointer<Float>, width: Int) {
    self.init(start, rowStride: 1, columnStride: width)
  }

  private init(_ start: UnsafeMutablePointer<Float>, rowStride: Int, columnStride: Int) {
    self.start = start
    self.rowStride = rowStride
    self.columnStride = columnStride
  }

  fileprivate func load(
    rows: Range<Int>, _ strip: WeightMatrix.Panel, to totals: UnsafeMutablePointer<Float>
  ) {
    let width = strip.width.rawValue
    let source = start + rows.lowerBound * rowStride + strip.firstOutput * columnStride
    // What is padding counts from +0, and is dropped.
    if strip.outputs < width { totals.update(repeating: 0, count: rows.count * width) }
    if columnStride == 1 {
      for row in 0..<rows.count {
        copyElements(source + row * rowStride, to: totals + row * width, count: strip.outputs)
      }
    } else {
      transpose(
        source, rows: strip.outputs, width: columnStride, columns: rows.count, to: totals,
        stride: width)
    }
  }

  fileprivate func store(
    _ totals: UnsafePointer<Float>, rows: Range<Int>, _ strip: WeightMatrix.Panel
  ) {
    let width = strip.width.rawValue
    let target = start + rows.lowerBound * rowStride + strip.firstOutput * columnStride
    if columnStride == 1 {
      for row in 0..<rows.count {
        copyElements(totals + row * width, to: target + row * rowStride, count: strip.outputs)
      }
    } else {
      transpose(
        totals, rows: rows.count, width: width, columns: strip.outputs, to: target,
        stride: columnStride)
    }
  }
}

/// Adds `dot over rows of (left[row][m], right[row][n])` to every element (m, n) of a gradient, one
/// block of 128 rows after the other.
///
/// - Parameters:
///   - left: As many rows as `right`; its width is M.
///   - right: Its width is N.
package func addWeightGradient(
  _ left: GradientRows, _ right: GradientRows, to target: GradientTarget, parallelism: Parallelism
) {
  let strips = WeightMatrix.panels(outFeatures: right.width)
  // As many columns at a time as the second-level cache holds totals of.
  let columnsAtATime = 2048
  for first in stride(from: 0, to: left.width, by: columnsAtATime) {
    let columns = first..<min(first + columnsAtATime, left.width)
    let operand = InterleavedInput(columns: columns, of: left.starts, parallelism: parallelism)
    right.starts.withUnsafeBufferPointer { rows in
      parallelism.forEachRange(of: strips.count) { range in
        let memory = StripMemory(paddedRows: operand.paddedRows)
        for strip in strips[range] {
          memory.clear(strip, paddedRows: operand.paddedRows)
          target.load(rows: columns, strip, to: memory.totals)
          memory.add(operand, depth: rows.count, strip: strip) { block, strip, target in
            copyStrip(strip, ofRows: UnsafeBufferPointer(rebasing: rows[block]), to: target)
          }
          target.store(memory.totals, rows: columns, strip)
        }
      }
    }
  }
}

/// Adds `dot over rows of (left[row][i], right[row][i])` to element i of a gradient: what a weight
/// gets that multiplies element by element.
///
/// - Parameters:
///   - left: `[rows, width]`.
///   - right: As `left`; `nil` for ones.
package func addElementwiseGradient(
  _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>?, rows: Int, width: Int,
  to target: UnsafeMutablePointer<Float>, parallelism: Parallelism
) {
  parallelism.forEachRange(of: width) { range in
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { sums in
      guard let sums = sums.baseAddress else { return }
      for first in stride(from: 0, to: rows, by: DotProduct.blockLength) {
        sums.update(repeating: 0, count: range.count)
        for row in first..<min(first + DotProduct.blockLength, rows) {
          let left = left + row * width + range.lowerBound
          if let right {
            let right = right + row * width + range.lowerBound
            for i in 0..<range.count { sums[i].addProduct(left[i], right[i]) }
          } else {
            for i in 0..<range.count { sums[i] += left[i] }
          }
        }
        addElements(sums, to: target + range.lowerBound, count: range.count)
      }
    }
  }
}
