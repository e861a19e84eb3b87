import MeteoRAKernels
import MeteoRAMath
import Testing

@Suite("Linear layers")
struct LinearProductTests {
  /// Around the rows that are computed together (8, 4, 1), that take turns (9 to 16), and from which
  /// on the next weights are touched (57).
  static let rowCounts = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 20, 56, 57, 61, 64, 65]
  /// Around the widths of panels (8, 16, 32) and their sums.
  static let outputCounts = [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 72]
  /// Around the contract's block.
  static let inputCounts = [0, 1, 2, 127, 128, 129, 300]

  @Test("it gives the contract's dot product at every size", arguments: WeightFormat.allCases)
  func equalsDotProduct(format: WeightFormat) throws {
    var random = SeededRandom(1)
    for (number, outputs) in Self.outputCounts.enumerated() {
      for (shift, rows) in Self.rowCounts.enumerated() {
        let inputs = Self.inputCounts[(number + shift) % Self.inputCounts.count]
        let x = random.floats(rows * inputs)
        let (matrix, weights) = try random.matrix(outputs, inputs, format)
        let y = try linear(x, rows: rows, weights: matrix)
        let expected = (0..<rows * outputs).map {
          dot(x, $0 / outputs, weights, $0 % outputs, inputs)
        }
        expectSameBits(y, expected, "\(rows) × \(inputs) × \(outputs)")
      }
    }
  }

  @Test(
    "more rows than a tile holds are what each is alone",
    // A tile of rows so wide has 64, of others 512.
    arguments: [(63, 33_000), (64, 33_000), (65, 33_000), (130, 33_000), (512, 260), (1030, 260)],
    WeightFormat.allCases)
  func manyRows(size: (rows: Int, inputs: Int), format: WeightFormat) throws {
    let (rows, inputs, outputs) = (size.rows, size.inputs, 40)
    var random = SeededRandom(rows)
    let matrix = try random.matrix(outputs, inputs, format).matrix
    let bias = random.floats(outputs)
    let x = random.floats(rows * inputs)
    let y = try linear(x, rows: rows, weights: matrix, bias: bias)
    for row in [0, 1, rows / 2, rows - 2, rows - 1] {
      let alone = try linear(
        Array(x[row * inputs..<(row + 1) * inputs]), rows: 1, weights: matrix, bias: bias)
      expectSameBits(Array(y[row * outputs..<(row + 1) * outputs]), alone, "row \(row)")
    }
  }

  @Test("it takes binary16 weights that are infinite, NaN or subnormal", arguments: [1, 4, 16, 64])
  func specialWeights(rows: Int) throws {
    var random = SeededRandom(5)
    let special: [UInt16] = [0x7c00, 0xfc00, 0x7e01, 0x0001, 0x83ff, 0x8000, 0x7bff]
    for isFinite in [true, false] {
      let bits = (0..<40 * 3).map { isFinite ? special[3 + $0 % 4] : special[$0 % 7] }
      let matrix = try bits.withUnsafeBytes {
        try WeightMatrix(rowMajor: $0, outFeatures: 40, inFeatures: 3, format: .float16)
      }
      let x = random.floats(rows * 3)
      let widened = bits.map(Widening.float(float16:))
      let y = try linear(x, rows: rows, weights: matrix)
      let expected = (0..<rows * 40).map { dot(x, $0 / 40, widened, $0 % 40, 3) }
      expectSameBits(y, expected, "\(rows) rows")
    }
  }

  @Test("it adds the bias once, after the sum", arguments: threadCounts)
  func addsBias(threads: Int) throws {
    var random = SeededRandom(2)
    let parallelism = try Parallelism(threads: threads)
    for outputs in [1, 33, 47, 100] {
      let x = random.floats(9 * 130)
      let (matrix, _) = try random.matrix(outputs, 130)
      let bias = random.floats(outputs)
      let product = try linear(x, rows: 9, weights: matrix)
      let y = try linear(x, rows: 9, weights: matrix, bias: bias, parallelism: parallelism)
      expectSameBits(y, product.enumerated().map { $1 + bias[$0 % outputs] }, "\(outputs) outputs")
    }
  }

  @Test("it gives the same bits for any number of threads", arguments: threadCounts)
  func threadsDoNotMatter(threads: Int) throws {
    var random = SeededRandom(3)
    let x = random.floats(17 * 200)
    let (matrix, _) = try random.matrix(201, 200, .bfloat16)
    let parallel = try linear(
      x, rows: 17, weights: matrix, parallelism: try Parallelism(threads: threads))
    expectSameBits(parallel, try linear(x, rows: 17, weights: matrix))
  }

  @Test(
    "it writes nothing beside the outputs of a group", arguments: [1, 4, 8, 9, 13, 16, 17, 60],
    [7, 31, 33, 47, 64])
  func writesOnlyOutputs(rows: Int, outputs: Int) throws {
    var random = SeededRandom(4)
    let x = random.floats(rows * 20)
    let (first, _) = try random.matrix(outputs, 20)
    let (second, _) = try random.matrix(outputs + 1, 20, .float16)
    var (a, b) = (GuardedOutput(count: rows * outputs), GuardedOutput(count: rows * (outputs + 1)))
    let parallelism = try Parallelism(threads: 3)
    a.write { a in
      b.write { b in
        multiply(
          [LinearTerm(first, to: a), LinearTerm(second, to: b)], by: x, rows: rows,
          parallelism: parallelism)
      }
    }
    #expect(a.isIntact)
    #expect(b.isIntact)
    expectSameBits(a.output, try linear(x, rows: rows, weights: first))
    expectSameBits(b.output, try linear(x, rows: rows, weights: second))
  }

  @Test("it refuses an input of another size")
  func refusesInput() throws {
    let (matrix, _) = try SeededRandom.matrix(2, 3)
    #expect(throws: KernelError.elementCount(argument: "x", expected: 6, actual: 5)) {
      try linear([Float](repeating: 1, count: 5), rows: 2, weights: matrix)
    }
  }

  @Test("it refuses a bias of another size")
  func refusesBias() throws {
    let (matrix, _) = try SeededRandom.matrix(2, 3)
    #expect(throws: KernelError.elementCount(argument: "bias", expected: 2, actual: 3)) {
      try linear([1, 2, 3], rows: 1, weights: matrix, bias: [1, 2, 3])
    }
  }

  @Test("it refuses a negative number of rows")
  func refusesNegativeRows() throws {
    let (matrix, _) = try SeededRandom.matrix(2, 3)
    #expect(throws: KernelError.invalidDimension(argument: "x", shape: [-1, 3], maximum: 1 << 31)) {
      try linear([], rows: -1, weights: matrix)
    }
  }

  @Test("it refuses more rows than any input has", arguments: [Int.max, 1 << 58, 1 << 31 + 1])
  func refusesHugeRows(rows: Int) throws {
    let matrix = try WeightMatrix([], outFeatures: 1, inFeatures: 0)
    #expect(
      throws: KernelError.invalidDimension(argument: "x", shape: [rows, 0], maximum: 1 << 31)
    ) {
      try linear([], rows: rows, weights: matrix)
    }
  }

  @Test("it refuses an output that no memory holds", arguments: [1 << 31, 1 << 30 + 1])
  func refusesHugeOutput(rows: Int) throws {
    let matrix = try WeightMatrix([], outFeatures: 2, inFeatures: 0)
    #expect(
      throws: KernelError.tooManyElements(argument: "y", shape: [rows, 2], maximum: 1 << 31)
    ) {
      try linear([], rows: rows, weights: matrix)
    }
  }

  @Test("it refuses an output far larger than its input")
  func refusesOuterProduct() throws {
    let column = [Float](repeating: 1, count: 1 << 16)
    let matrix = try WeightMatrix(column, outFeatures: 1 << 16, inFeatures: 1)
    #expect(
      throws: KernelError.tooManyElements(
        argument: "y", shape: [1 << 16, 1 << 16], maximum: 1 << 31)
    ) {
      try linear(column, rows: 1 << 16, weights: matrix)
    }
  }

  @Test("it gives nothing for rows without elements on either side", arguments: [1, 1 << 31])
  func takesEmptyRows(rows: Int) throws {
    let matrix = try WeightMatrix([], outFeatures: 0, inFeatures: 0)
    #expect(try linear([], rows: rows, weights: matrix).isEmpty)
  }

  @Test("it gives nothing for no rows")
  func takesNoRows() throws {
    let (matrix, _) = try SeededRandom.matrix(2, 3)
    #expect(try linear([], rows: 0, weights: matrix).isEmpty)
  }
}

extension SeededRandom {
  /// A small matrix, for tests that do not look at its elements.
  static func matrix(_ rows: Int, _ columns: Int) throws -> (WeightMatrix, [Float]) {
    var random = SeededRandom(0)
    let (matrix, values) = try random.matrix(rows, columns)
    return (matrix, values)
  }
}
