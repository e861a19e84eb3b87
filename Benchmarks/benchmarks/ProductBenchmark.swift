import Foundation
import MeteoRAKernels
import MeteoRAMath

/// Linear layers 4096 → 4096 for weights of every format.
struct ProductBenchmark {
  let parallelism: Parallelism
  let output: Output

  private static let size = 4096

  private struct Row: Encodable {
    let operation = "product"
    let weights: String
    let rows: Int
    let inFeatures: Int
    let outFeatures: Int
    let medianMs: Double
    let spreadMs: Double
    let gflops: Double
    let gigabytesPerSecond: Double

    var text: String {
      weights.padded(to: 9)
        + String(
          format: "%6d  %9.3f ± %.3f ms %9.1f %6.1f", rows, medianMs, spreadMs, gflops,
          gigabytesPerSecond)
    }
  }

  func run() throws {
    let size = Self.size
    let values = pseudoRandom(size * size, seed: 1)
    output.writeHeading(
      "product, \(size) → \(size)\nweights    rows      median ms        GFLOP/s   GB/s")
    for format in WeightFormat.allCases {
      let weights = try matrix(values, format: format)
      for rows in [1, 4, 16, 512] {
        let x = pseudoRandom(rows * size, seed: 2)
        let y = try linear(x, rows: rows, weights: weights, parallelism: parallelism)
        try check(y, x: x, weights: values, format: format)
        let timing = try Timing {
          _ = try linear(x, rows: rows, weights: weights, parallelism: parallelism)
        }
        let row = Row(
          weights: format.rawValue, rows: rows, inFeatures: size, outFeatures: size,
          medianMs: timing.median * 1e3, spreadMs: timing.spread * 1e3,
          gflops: timing.billions(2 * Double(rows * size * size)),
          gigabytesPerSecond: timing.billions(Double(weights.byteCount)))
        try output.write(row, as: row.text)
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
