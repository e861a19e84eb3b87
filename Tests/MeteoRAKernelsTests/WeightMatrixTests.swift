import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("Packed weights")
struct WeightMatrixTests {
  @Test(
    "it gives back the rows that it packed", arguments: WeightFormat.allCases,
    [1, 7, 8, 15, 16, 24, 31, 32, 33, 47, 61, 95])
  func unpacks(format: WeightFormat, outputs: Int) throws {
    var random = SeededRandom(outputs)
    for inputs in [1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 40, 75] {
      let (matrix, values) = try random.matrix(outputs, inputs, format)
      var all = GuardedOutput(count: outputs * inputs)
      all.write { matrix.copyRows(to: $0) }
      #expect(all.isIntact)
      expectSameBits(all.output, values, "\(outputs) × \(inputs)")
      for row in 0..<outputs {
        var one = GuardedOutput(count: inputs)
        one.write { matrix.copyRow(row, to: $0) }
        #expect(one.isIntact)
        expectSameBits(one.output, Array(values[row * inputs..<(row + 1) * inputs]), "row \(row)")
      }
    }
  }

  @Test("it packs the same with any number of threads", arguments: threadCounts)
  func packsInParallel(threads: Int) throws {
    var random = SeededRandom(5)
    let values = random.floats(100 * 30)
    let parallelism = try Parallelism(threads: threads)
    let matrix = try values.withUnsafeBytes {
      try WeightMatrix(
        rowMajor: $0, outFeatures: 100, inFeatures: 30, format: .float32, parallelism: parallelism)
    }
    var copy = GuardedOutput(count: values.count)
    copy.write { matrix.copyRows(to: $0) }
    expectSameBits(copy.output, values)
  }

  @Test("it takes bytes at any address", arguments: WeightFormat.allCases, 0..<8)
  func takesUnalignedBytes(format: WeightFormat, offset: Int) throws {
    var random = SeededRandom(offset)
    // Panels of all widths, the last without some outputs; whole lines of a row, vectors and a rest.
    for (outputs, inputs) in [(2, 3), (61, 77)] {
      let (stored, values) = random.stored(outputs * inputs, format)
      let bytes = [UInt8](repeating: 0, count: offset) + stored
      let matrix = try bytes.withUnsafeBytes {
        try WeightMatrix(
          rowMajor: UnsafeRawBufferPointer(rebasing: $0[offset...]), outFeatures: outputs,
          inFeatures: inputs, format: format)
      }
      var copy = GuardedOutput(count: values.count)
      copy.write { matrix.copyRows(to: $0) }
      expectSameBits(copy.output, values, "\(outputs) × \(inputs)")
    }
  }

  @Test("it widens every bfloat16 and binary16 exactly, NaN and infinity included")
  func widensEverything() throws {
    let patterns = (0...UInt16.max).map { $0 }
    for format in [WeightFormat.bfloat16, .float16] {
      let matrix = try patterns.withUnsafeBytes {
        try WeightMatrix(rowMajor: $0, outFeatures: 64, inFeatures: 1024, format: format)
      }
      var rows = GuardedOutput(count: patterns.count)
      rows.write { start in
        for row in 0..<64 { matrix.copyRow(row, to: start + 1024 * row) }
      }
      // The vectors that products use and the scalar form are two pieces of code.
      var all = GuardedOutput(count: patterns.count)
      all.write { matrix.copyRows(to: $0) }
      expectSameBits(all.output, rows.output, "\(format)")
    }
  }

  @Test("it refuses fewer elements than its shape")
  func refusesTooFew() {
    #expect(
      throws: KernelError.elementCount(argument: "weight matrix bytes", expected: 24, actual: 20)
    ) {
      try WeightMatrix([1, 2, 3, 4, 5], outFeatures: 2, inFeatures: 3)
    }
  }

  @Test("it refuses bytes that are no whole number of elements")
  func refusesOddBytes() {
    #expect(
      throws: KernelError.elementCount(argument: "weight matrix bytes", expected: 2, actual: 3)
    ) {
      try [UInt8](repeating: 0, count: 3).withUnsafeBytes {
        try WeightMatrix(rowMajor: $0, outFeatures: 1, inFeatures: 1, format: .float16)
      }
    }
  }

  @Test("it refuses a negative size")
  func refusesNegativeSize() {
    #expect(
      throws: KernelError.invalidDimension(
        argument: "weight matrix bytes", shape: [-1, -1, 4], maximum: 1 << 31)
    ) {
      try WeightMatrix([1], outFeatures: -1, inFeatures: -1)
    }
  }

  @Test("it refuses a size that overflows")
  func refusesOverflow() {
    #expect(
      throws: KernelError.tooManyElements(
        argument: "weight matrix bytes", shape: [1 << 31, 1 << 31, 4], maximum: .max)
    ) {
      try WeightMatrix([1], outFeatures: 1 << 31, inFeatures: 1 << 31)
    }
  }

  @Test("it refuses a size above any", arguments: [(1 << 40, 0), (0, 1 << 40), (.max, 0)])
  func refusesDimension(outFeatures: Int, inFeatures: Int) {
    #expect(
      throws: KernelError.invalidDimension(
        argument: "weight matrix bytes", shape: [outFeatures, inFeatures, 4], maximum: 1 << 31)
    ) {
      try WeightMatrix([], outFeatures: outFeatures, inFeatures: inFeatures)
    }
  }

  @Test("it refuses outputs that no byte backs")
  func refusesUnbackedOutputs() {
    #expect(
      throws: KernelError.outOfRange(
        argument: "outFeatures", actual: "16777217", allowed: "at most 16777216 without inputs")
    ) {
      try WeightMatrix([], outFeatures: 1 << 24 + 1, inFeatures: 0)
    }
  }
}
