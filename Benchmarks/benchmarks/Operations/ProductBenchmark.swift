import Foundation
import MeteoRAKernels
import MeteoRAMath

/// `product/{weights}/{in}x{out}/{rows}`: linear layers of the sizes of an 8B model, from one row
/// (decoding) to 1024 (prompts), with weights from memory.
struct ProductBenchmark {
  let run: BenchmarkRun

  private static let shapes = [(4096, 4096), (4096, 14336), (14336, 4096)]
  private static let rowCounts = [1, 4, 16, 64, 256, 512, 1024]

  static var caseNames: [String] {
    WeightFormat.allCases.flatMap { format in
      shapes.flatMap { shape in rowCounts.map { "\(group(format, shape))\($0)" } }
    }
  }

  /// What the names of a layer's cases begin with.
  private static func group(_ format: WeightFormat, _ shape: (Int, Int)) -> String {
    "product/\(format.label)/\(shape.0)x\(shape.1)/"
  }

  func measureAll() throws {
    guard run.includesAny(of: "product/") else { return }
    run.output.writeHeading(ResultRow.heading)
    for format in WeightFormat.allCases {
      for shape in Self.shapes {
        let group = Self.group(format, shape)
        if !run.includesAny(of: group) { continue }
        let layer = try Layer(inFeatures: shape.0, outFeatures: shape.1, format: format)
        for rows in Self.rowCounts where run.includes("\(group)\(rows)") {
          try measure("\(group)\(rows)", layer, rows: rows)
        }
      }
    }
  }

  private func measure(_ name: String, _ layer: Layer, rows: Int) throws {
    let x = Activations(PseudoRandom.values(rows * layer.inFeatures, seed: 2))
    let y = Activations(zeros: rows * layer.outFeatures)
    var turn = 0
    func multiply() {
      let copy = layer.copies[turn % layer.copies.count]
      MeteoRAKernels.multiply(
        [LinearTerm(copy, to: y.start)], by: x.start, rows: rows, parallelism: run.parallelism)
      turn += 1
    }
    multiply()
    guard try layer.isRight(y.values, x: x.values, rows: rows) else {
      throw BenchmarkError.bitsDiffer(name)
    }

    let (n, k) = (layer.outFeatures, layer.inFeatures)
    let work = Work(
      flops: 2 * Double(rows * n * k),
      bytes: Double(n * k * layer.format.byteWidth + 4 * rows * (n + k)))
    try run.measure(name, work: work, multiply)
  }

  /// A layer, so often in memory that no cache holds it when its turn comes again.
  private struct Layer {
    let inFeatures: Int
    let outFeatures: Int
    let format: WeightFormat
    /// Row-major, as they are stored.
    private let values: [Float]
    let copies: [WeightMatrix]

    init(inFeatures: Int, outFeatures: Int, format: WeightFormat) throws {
      self.inFeatures = inFeatures
      self.outFeatures = outFeatures
      self.format = format
      let values = PseudoRandom.values(outFeatures * inFeatures, seed: 1)
      let byteCount = values.count * format.byteWidth
      if format == .float32 {
        copies = try BenchmarkRun.coldCopies(byteCount: byteCount) {
          try WeightMatrix(values, outFeatures: outFeatures, inFeatures: inFeatures)
        }
        self.values = values
      } else {
        let stored = values.map { format.stored($0) }
        copies = try stored.withUnsafeBytes { bytes in
          try BenchmarkRun.coldCopies(byteCount: byteCount) {
            try WeightMatrix(
              rowMajor: bytes, outFeatures: outFeatures, inFeatures: inFeatures, format: format)
          }
        }
        self.values = stored.map {
          format == .bfloat16 ? Widening.float(bfloat16: $0) : Widening.float(float16: $0)
        }
      }
    }

    /// Compares some outputs of the first and the last row with the definition.
    func isRight(_ y: [Float], x: [Float], rows: Int) throws -> Bool {
      for row in Set([0, rows - 1]) {
        let input = Array(x[row * inFeatures..<(row + 1) * inFeatures])
        for output in stride(from: row % 89, to: outFeatures, by: 89) {
          let weights = Array(values[output * inFeatures..<(output + 1) * inFeatures])
          let expected = try DotProduct.dot(input, weights)
          if !BitEquality.equal(y[row * outFeatures + output], expected) { return false }
        }
      }
      return true
    }
  }
}
