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
    "it gives the contract's dot product on both sides of every edge of a tile",
    // A tile of rows so wide has 64 at most, of others 512: see ProductInputTests.
    arguments: [(65, 33_000, .bfloat16), (512, 260, .float32), (600, 260, .float32)]
      + WeightFormat.allCases.map { (1030, 260, $0) } as [(Int, Int, WeightFormat)])
  func manyRows(rows: Int, inputs: Int, format: WeightFormat) throws {
    let outputs = 72
    var random = SeededRandom(rows)
    let (matrix, weights) = try random.matrix(outputs, inputs, format)
    let bias = random.floats(outputs)
    let x = random.floats(rows * inputs)
    let y = try linear(x, rows: rows, weights: matrix, bias: bias)
    // Tiles begin with a multiple of eight rows.
    for row in 0..<rows where [0, 7].contains(row % 8) || row == rows - 1 {
      let expected = (0..<outputs).map { dot(x, row, weights, $0, inputs) + bias[$0] }
      expectSameBits(Array(y[row * outputs..<(row + 1) * outputs]), expected, "row \(row)")
    }
    for threads in [2, 5] {
      let parallel = try linear(
        x, rows: rows, weights: matrix, bias: bias, parallelism: try Parallelism(threads: threads))
      expectSameBits(parallel, y, "\(threads) threads")
    }
  }

  @Test(
    "it takes zeros, infinities, NaN, subnormals and the largest numbers",
    arguments: WeightFormat.allCases, [1, 4, 8, 9, 16, 17, 64])
  func specialValues(format: WeightFormat, rows: Int) throws {
    // Panels of all widths.
    let outputs = 87
    for (inputs, isFinite) in [(1, true), (1, false), (37, true), (37, false), (130, false)] {
      var random = SeededRandom(rows + inputs)
      var x = random.floats(rows * inputs)
      for row in 0..<rows {
        x[row * inputs + 7 * row % inputs] =
          SpecialValues.ofInput[row % SpecialValues.ofInput.count]
      }
      let (matrix, weights) = try random.specialMatrix(
        outputs, inputs, format, SpecialValues.ofWeights(format, isFinite: isFinite))
      #expect(matrix.isFinite == isFinite)
      let y = try linear(x, rows: rows, weights: matrix)
      let expected = (0..<rows * outputs).map {
        dot(x, $0 / outputs, weights, $0 % outputs, inputs)
      }
      expectSameBits(y, expected, "\(inputs) inputs, finite weights: \(isFinite)")
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

/// Bit patterns that an inner loop may treat in its own way.
private enum SpecialValues {
  /// Nine, so that nine rows have all of them.
  static let ofInput: [Float] = [
    1.5, 0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude.nextDown,
    .greatestFiniteMagnitude, .infinity, -.infinity, .nan,
  ]

  /// ±0, the smallest and the largest subnormal, the smallest normal, the largest finite number of
  /// both signs; infinities, quiet and signalling NaN.
  static func ofWeights(_ format: WeightFormat, isFinite: Bool) -> [UInt32] {
    let finite: [UInt32]
    let others: [UInt32]
    switch format {
    case .float32:
      finite = [0, 1 << 31, 1, 0x807f_ffff, 0x0080_0000, 0x7f7f_ffff, 0xff7f_ffff]
      others = [0x7f80_0000, 0xff80_0000, 0x7fc0_0001, 0xffa0_0000]
    case .bfloat16:
      finite = [0, 1 << 15, 1, 0x807f, 0x0080, 0x7f7f, 0xff7f]
      others = [0x7f80, 0xff80, 0x7fc1, 0xffa0]
    case .float16:
      finite = [0, 1 << 15, 1, 0x83ff, 0x0400, 0x7bff, 0xfbff]
      others = [0x7c00, 0xfc00, 0x7e01, 0xfd00]
    }
    return isFinite ? finite : finite + others
  }
}

extension SeededRandom {
  /// A matrix with a special value in every row, and its elements widened: every other row has
  /// nothing else, so that even the smallest value is seen in the product.
  fileprivate mutating func specialMatrix(
    _ rows: Int, _ columns: Int, _ format: WeightFormat, _ special: [UInt32]
  ) throws -> (matrix: WeightMatrix, values: [Float]) {
    var (bytes, _) = stored(rows * columns, format)
    let width = format.byteWidth
    func set(_ row: Int, _ column: Int, _ bits: UInt32) {
      let place = (row * columns + column) * width
      for byte in 0..<width { bytes[place + byte] = UInt8(bits >> (8 * byte) & 0xff) }
    }
    for row in 0..<rows {
      if row % 2 == 1 { for column in 0..<columns { set(row, column, 0) } }
      set(row, 7 * row % columns, special[row % special.count])
    }
    let matrix = try bytes.withUnsafeBytes {
      try WeightMatrix(rowMajor: $0, outFeatures: rows, inFeatures: columns, format: format)
    }
    let values = stride(from: 0, to: bytes.count, by: width).map { place in
      let bits = (0..<width).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << (8 * $1) }
      switch format {
      case .float32: return Float(bitPattern: bits)
      case .bfloat16: return Widening.float(bfloat16: UInt16(bits))
      case .float16: return Widening.float(float16: UInt16(bits))
      }
    }
    return (matrix, values)
  }

  /// A small matrix, for tests that do not look at its elements.
  static func matrix(_ rows: Int, _ columns: Int) throws -> (WeightMatrix, [Float]) {
    var random = SeededRandom(0)
    let (matrix, values) = try random.matrix(rows, columns)
    return (matrix, values)
  }
}
