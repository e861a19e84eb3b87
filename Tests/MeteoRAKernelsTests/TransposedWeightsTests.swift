import Testing

@testable import MeteoRAKernels

@Suite("Weights the other way round")
struct TransposedWeightsTests {
  /// Around the widths of panels, of groups of eight and of blocks.
  private static let sizes = [(1, 1), (7, 9), (33, 25), (131, 3), (5, 131), (129, 41)]

  @Test(
    "they are written for a strip, with zeros for padding", arguments: sizes, WeightFormat.allCases)
  func copiesStrips(size: (outputs: Int, inputs: Int), format: WeightFormat) throws {
    let (outputs, inputs) = size
    var random = SeededRandom(outputs + inputs)
    let (matrix, values) = try random.matrix(outputs, inputs, format)
    let wide = PanelWidth.wide.rawValue
    for strip in WeightMatrix.panels(outFeatures: inputs) {
      let width = strip.width.rawValue
      for first in stride(from: 0, to: outputs, by: 128) {
        let block = first..<min(first + 128, outputs)
        let memory = GuardedOperands(
          [block.count * width, wide * wide].map { [Float](repeating: .nan, count: $0) },
          margin: .notANumber)
        matrix.copyTransposed(
          outputs: block, strip: strip, to: memory.pointers[0], widened: memory.pointers[1])
        #expect(memory.isIntact)
        let expected = block.flatMap { output in
          (0..<width).map { column -> Float in
            column < strip.outputs ? values[output * inputs + strip.firstOutput + column] : 0
          }
        }
        expectSameBits(memory.values[0], expected, "strip from \(strip.firstOutput)")
      }
    }
  }

  @Test("they are a matrix in binary32", arguments: sizes, WeightFormat.allCases)
  func transposes(size: (outputs: Int, inputs: Int), format: WeightFormat) throws {
    let (outputs, inputs) = size
    var random = SeededRandom(outputs + inputs)
    let (matrix, values) = try random.matrix(outputs, inputs, format)
    let transposed = try matrix.transposed()
    #expect(transposed.outFeatures == inputs && transposed.inFeatures == outputs)
    var rows = GuardedOutput(count: values.count)
    rows.write { transposed.copyRows(to: $0) }
    #expect(rows.isIntact)
    let expected = (0..<inputs).flatMap { input in
      (0..<outputs).map { values[$0 * inputs + input] }
    }
    expectSameBits(rows.output, expected)
  }

  @Test("rows of activations are copied for a strip, with zeros for padding", arguments: sizes)
  func copiesRows(rows: Int, width: Int) throws {
    var random = SeededRandom(rows + width)
    let values = random.floats(rows * width)
    let source = GuardedOperands([values], margin: .notANumber)
    let starts = (0..<rows).map { UnsafePointer(source.pointers[0] + $0 * width) }
    for strip in WeightMatrix.panels(outFeatures: width) {
      let columns = strip.width.rawValue
      let target = GuardedOperands(
        [[Float](repeating: .nan, count: rows * columns)], margin: .notANumber)
      starts.withUnsafeBufferPointer { copyStrip(strip, ofRows: $0, to: target.pointers[0]) }
      #expect(target.isIntact)
      let expected = (0..<rows * columns).map { index -> Float in
        let (row, column) = (index / columns, index % columns)
        return column < strip.outputs ? values[row * width + strip.firstOutput + column] : 0
      }
      expectSameBits(target.values[0], expected, "strip from \(strip.firstOutput)")
    }
  }
}
