import MeteoRAKernels

/// Operands side by side in one block of memory, with margins between them that nothing may touch.
struct GuardedOperands {
  /// What margins hold.
  enum Margin: CaseIterable {
    /// Spreads wherever it takes part in arithmetic.
    case notANumber
    /// Is the largest wherever NaN is passed over.
    case largestNumber

    fileprivate var element: Float {
      switch self {
      case .notANumber: Float(bitPattern: 0x7fa5_5a5a)
      case .largestNumber: .greatestFiniteMagnitude
      }
    }
  }

  /// Odd, so that no operand begins where vectors do.
  private static let width = 77

  private let margin: Margin
  private let memory: AlignedMemory
  private let ranges: [Range<Int>]

  init(_ operands: [[Float]], margin: Margin) {
    self.margin = margin
    var end = Self.width
    var ranges: [Range<Int>] = []
    for operand in operands {
      ranges.append(end..<end + operand.count)
      end += operand.count + Self.width
    }
    self.ranges = ranges
    memory = AlignedMemory(byteCount: end * MemoryLayout<Float>.size)
    memory.floats.update(repeating: margin.element, count: end)
    for (range, operand) in zip(ranges, operands) {
      operand.withUnsafeBufferPointer { source in
        guard let start = source.baseAddress else { return }
        (memory.floats + range.lowerBound).update(from: start, count: operand.count)
      }
    }
  }

  /// Where the operands begin, in order.
  var pointers: [UnsafeMutablePointer<Float>] { ranges.map { memory.floats + $0.lowerBound } }

  /// The operands, in order.
  var values: [[Float]] {
    ranges.map { range in
      Array(UnsafeBufferPointer(start: memory.floats + range.lowerBound, count: range.count))
    }
  }

  /// Whether all margins are as they were.
  var isIntact: Bool {
    let ends = [0] + ranges.map(\.upperBound)
    return ends.allSatisfy { end in
      (end..<end + Self.width).allSatisfy {
        memory.floats[$0].bitPattern == margin.element.bitPattern
      }
    }
  }
}
