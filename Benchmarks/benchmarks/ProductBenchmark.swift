import Foundation
import MeteoRAKernels
import MeteoRAMath

/// Linear layers 4096 → 4096 for weights of every format.
struct ProductBenchmark {
  let parallelism: Parallelism

  private static let size = 4096

  func run() throws {
    let size = Self.size
    let values = pseudoRandom(size * size, seed: 1)
    print("\nproduct, \(size) → \(size)\nweights    rows      median ms        GFLOP/s   GB/s")
    for format in WeightFormat.allCases {
      let weights = try matrix(values, format: format)
      for rows in [1, 4, 16, 512] {
        let x = pseudoRandom(rows * size, seed: 2)
        let y = try linear(x, rows: rows, weights: weights, parallelism: parallelism)
        try check(y, x: x, weights: values, format: format)
        let timing = try Timing {
          _ = try linear(x, rows: rows, weights: weights, parallelism: parallelism)
        }
        let flops = 2 * Double(rows * size * size)
        let name = format.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
        let rates = String(
          format: "%9.1f %6.1f", flops / timing.median / 1e9,
          Double(weights.byteCount) / timing.median / 1e9)
        print(name + String(format: "%6d  ", rows) + timing.description + rates)
      }
    }
  }

  private func matrix(_ values: [Float], format: WeightFormat) throws -> WeightMatrix {
    guard format != .float32 else {
      return try WeightMatrix(values, outFeatures: Self.size, inFeatures: Self.size)
    }
    let bits = values.map { Self.stored($0, format: format) }
    return try bits.withUnsafeBytes {
      try WeightMatrix(
        rowMajor: $0, outFeatures: Self.size, inFeatures: Self.size, format: format)
    }
  }

  /// Cut, not rounded: any value of the format will do.
  private static func stored(_ value: Float, format: WeightFormat) -> UInt16 {
    let bits = value.bitPattern
    if format == .bfloat16 { return UInt16(truncatingIfNeeded: bits >> 16) }
    let exponent = Int(bits >> 23 & 0xFF) - 112
    guard exponent > 0 else { return 0 }
    return UInt16(truncatingIfNeeded: bits >> 16 & 0x8000)
      | UInt16(truncatingIfNeeded: exponent << 10) | UInt16(truncatingIfNeeded: bits >> 13 & 0x3FF)
  }

  /// Compares some outputs of the last row with the definition.
  private func check(_ y: [Float], x: [Float], weights: [Float], format: WeightFormat) throws {
    let size = Self.size
    let row = Array(x[(x.count - size)...])
    for output in stride(from: 0, to: size, by: 97) {
      let stored = weights[output * size..<(output + 1) * size].map { value in
        switch format {
        case .float32: value
        case .bfloat16: Widening.float(bfloat16: Self.stored(value, format: format))
        case .float16: Widening.float(float16: Self.stored(value, format: format))
        }
      }
      let expected = try DotProduct.dot(row, stored)
      guard BitEquality.equal(y[y.count - size + output], expected) else {
        throw BenchmarkError.bitsDiffer("product, \(format.rawValue)")
      }
    }
  }
}
