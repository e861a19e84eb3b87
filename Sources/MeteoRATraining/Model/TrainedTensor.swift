import MeteoRAKernels

/// A weight that is trained: its values, its gradient and the optimiser's moments, binary32,
/// row-major.
///
/// Not safe to use from two threads at once.
package final class TrainedTensor {
  /// What files call it.
  package let name: String
  package let shape: [Int]
  package let count: Int
  /// As many elements at the start stay as they are.
  package let frozenCount: Int
  private let memory: AlignedMemory

  /// - Parameters:
  ///   - values: As many as `shape` has elements.
  ///   - frozenRows: Rows of a matrix, from the first, that stay as they are.
  package init(name: String, shape: [Int], values: [Float], frozenRows: Int = 0) {
    self.name = name
    self.shape = shape
    count = values.count
    frozenCount = frozenRows * (shape.last ?? 0)
    memory = AlignedMemory(byteCount: 4 * values.count * MemoryLayout<Float>.size, for: .kept)
    memory.floats.update(repeating: 0, count: 4 * count)
    values.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { memory.floats.update(from: start, count: count) }
    }
  }

  package var values: UnsafeMutablePointer<Float> { memory.floats }
  package var gradient: UnsafeMutablePointer<Float> { memory.floats + count }
  /// The mean of the gradients.
  package var firstMoment: UnsafeMutablePointer<Float> { memory.floats + 2 * count }
  /// The mean of their squares.
  package var secondMoment: UnsafeMutablePointer<Float> { memory.floats + 3 * count }

  /// Whether weight decay acts on it: on matrices, not on norms and biases.
  package var isMatrix: Bool { shape.count > 1 }

  /// The values, row-major.
  package var array: [Float] { elements(values) }
  package var gradientArray: [Float] { elements(gradient) }
  package var firstMomentArray: [Float] { elements(firstMoment) }
  package var secondMomentArray: [Float] { elements(secondMoment) }

  private func elements(_ start: UnsafeMutablePointer<Float>) -> [Float] {
    Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// Replaces the gradient.
  ///
  /// - Parameter values: `count` elements; further ones are left out.
  package func take(gradient values: [Float]) {
    for (index, value) in values.prefix(count).enumerated() { gradient[index] = value }
  }

  /// Takes the gradient away from what stays as it is, so that no norm counts it.
  func clearFrozenGradient() { gradient.update(repeating: 0, count: frozenCount) }

  /// The values as the weights of a linear layer.
  package func weights(parallelism: Parallelism) throws(KernelError) -> WeightMatrix {
    try WeightMatrix(
      rowMajor: UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<Float>.size),
      outFeatures: shape.first ?? 0, inFeatures: shape.last ?? 0, format: .float32,
      parallelism: parallelism)
  }
}
