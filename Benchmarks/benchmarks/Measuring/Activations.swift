import MeteoRAKernels

/// Inputs or outputs of an operation, held as a forward pass holds them: in large pages, if they
/// fill one.
struct Activations {
  private let memory: AlignedMemory
  let count: Int

  init(_ values: [Float]) {
    memory = AlignedMemory(byteCount: MemoryLayout<Float>.size * values.count)
    count = values.count
    set(values)
  }

  init(zeros count: Int) { self.init([Float](repeating: 0, count: count)) }

  var start: UnsafeMutablePointer<Float> { memory.floats }

  /// A copy.
  var values: [Float] { self[0..<count] }

  /// A copy of some.
  subscript(range: Range<Int>) -> [Float] {
    Array(UnsafeBufferPointer(start: start + range.lowerBound, count: range.count))
  }

  /// - Parameter values: ``count`` of them.
  func set(_ values: [Float]) { start.update(from: values, count: values.count) }
}
