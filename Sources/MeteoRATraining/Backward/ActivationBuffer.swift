import MeteoRAKernels

/// `[rows, width]` of binary32 that is kept from step to step: memory that is given back to the
/// system and taken again costs more than what is computed in it.
final class ActivationBuffer {
  private var memory = AlignedMemory(byteCount: 0)
  private(set) var width = 0

  /// Makes room; what was in it is lost.
  func prepare(rows: Int, width: Int) {
    self.width = width
    let byteCount = rows * width * MemoryLayout<Float>.size
    if byteCount > memory.byteCount { memory = AlignedMemory(byteCount: byteCount, for: .kept) }
  }

  var start: UnsafeMutablePointer<Float> { memory.floats }

  /// Whether no element of some rows is infinite or NaN.
  func isFinite(rows: Int) -> Bool {
    UnsafeBufferPointer(start: start, count: rows * width).allSatisfy(\.isFinite)
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { start + index * width }
}
