import Foundation
import MeteoRAKernels
import MeteoRASafetensors

/// A tensor of seeded numbers: a matrix that keeps the size of what it multiplies, or a vector of
/// ones.
struct RandomTensor {
  let name: String
  let shape: [Int]

  init(_ name: String, _ shape: [Int]) {
    self.name = name
    self.shape = shape
  }

  /// Writes a file of them; the same seed gives the same file.
  static func write(
    _ tensors: [RandomTensor], format: WeightFormat, seed: UInt64 = 0, to url: URL
  ) throws {
    let writer = try SafetensorsWriter(
      to: url, tensors: tensors.map { .init($0.name, format.safetensorsType, $0.shape) })
    for (index, tensor) in tensors.enumerated() {
      try tensor.write(format, seed: seed << 32 | UInt64(index), to: writer)
    }
    try writer.finish()
  }

  private func write(_ format: WeightFormat, seed: UInt64, to writer: SafetensorsWriter) throws {
    var random = PseudoRandom(seed: seed &* 0x9E37_79B9_7F4A_7C15)
    // The variance of −0.5 ..< 0.5 is 1/12.
    let factor = shape.count == 1 ? 0 : (12 / Float(shape[1])).squareRoot()
    let offset: Float = shape.count == 1 ? 1 : 0
    var left = shape.reduce(1, *)
    while left > 0 {
      let count = min(left, 1 << 20)
      if format == .float32 {
        let part = (0..<count).map { _ in random.next() * factor + offset }
        try writer.append(part, to: name)
      } else {
        let part = (0..<count).map { _ in format.stored(random.next() * factor + offset) }
        try part.withUnsafeBytes { try writer.append(bytes: $0, to: name) }
      }
      left -= count
    }
  }
}

extension WeightFormat {
  fileprivate var safetensorsType: SafetensorsDType {
    switch self {
    case .float32: .f32
    case .bfloat16: .bf16
    case .float16: .f16
    }
  }
}
