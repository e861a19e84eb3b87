import Testing

@testable import MeteoRAKernels

@Suite("Packing weights")
struct WeightPackingTests {
  struct Failure: Error, Equatable {
    var offset: Int
  }

  /// Larger than what is read at once: several panels together; each panel by itself; rows in parts.
  private static let shapes = [(1, 1), (200, 2100), (70, 5001), (45, 20003)]

  private static func values(_ matrix: WeightMatrix) -> [Float] {
    var copy = GuardedOutput(count: matrix.outFeatures * matrix.inFeatures)
    copy.write { matrix.copyRows(to: $0) }
    #expect(copy.isIntact)
    return copy.output
  }

  @Test("it reads each byte once", arguments: WeightFormat.allCases, threadCounts)
  func readsOnce(format: WeightFormat, threads: Int) throws {
    var random = SeededRandom(threads)
    for (outputs, inputs) in Self.shapes {
      let (bytes, values) = random.stored(outputs * inputs, format)
      let packing = try WeightPacking(
        outFeatures: outputs, inFeatures: inputs, format: format, byteCount: bytes.count)
      let ranges = Collected<Range<Int>>()
      let packed = try packing.pack(parallelism: Parallelism(threads: threads)) {
        (offset: Int, target: UnsafeMutableRawBufferPointer) throws(Failure) in
        let range = offset..<offset + target.count
        guard range.upperBound <= bytes.count, target.count <= WeightPacking.pieceBytes else {
          throw Failure(offset: offset)
        }
        bytes[range].withUnsafeBytes { target.copyMemory(from: $0) }
        ranges.append(range)
      }
      let sorted = ranges.all.sorted { $0.lowerBound < $1.lowerBound }
      #expect(sorted.first?.lowerBound == 0)
      #expect(sorted.last?.upperBound == bytes.count)
      #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
      expectSameBits(Self.values(WeightMatrix(packed)), values, "\(outputs) × \(inputs)")
    }
  }

  @Test("it throws what the first rows that cannot be read throw", arguments: threadCounts)
  func throwsFirstFailure(threads: Int) throws {
    let packing = try WeightPacking(
      outFeatures: 96, inFeatures: 8000, format: .float32, byteCount: 96 * 8000 * 4)
    // The second panel.
    let first = 32 * 8000 * 4
    #expect(throws: Failure(offset: first)) {
      try packing.pack(parallelism: Parallelism(threads: threads)) {
        (offset: Int, _: UnsafeMutableRawBufferPointer) throws(Failure) in
        if offset >= first { throw Failure(offset: offset) }
      }
    }
  }

  @Test("it packs rows that stand apart", arguments: WeightFormat.allCases)
  func packsRowsApart(format: WeightFormat) throws {
    var random = SeededRandom(3)
    let (outputs, inputs, stride) = (37, 19, 50)
    let (bytes, values) = random.stored(outputs * stride, format)
    let packing = try WeightPacking(
      outFeatures: outputs, inFeatures: inputs, format: format,
      byteCount: outputs * inputs * format.byteWidth)
    let packed = bytes.withUnsafeBytes {
      packing.pack($0, stride: stride * format.byteWidth, parallelism: .serial)
    }
    let expected = (0..<outputs).flatMap { values[$0 * stride..<$0 * stride + inputs] }
    expectSameBits(Self.values(WeightMatrix(packed)), expected)
  }

  @Test("it finds an infinity or a NaN wherever it stands", arguments: WeightFormat.allCases)
  func findsNonFinite(format: WeightFormat) throws {
    // Panels of 32, 16 and 8 outputs, the last without some; lines, vectors and a rest.
    let (outputs, inputs) = (61, 39)
    var random = SeededRandom(11)
    let (bytes, _) = random.stored(outputs * inputs, format)
    let width = format.byteWidth
    func isFinite(_ bits: UInt32, at element: Int) throws -> Bool {
      var changed = bytes
      for byte in 0..<width { changed[element * width + byte] = UInt8(bits >> (8 * byte) & 0xff) }
      return try changed.withUnsafeBytes {
        try WeightMatrix(
          rowMajor: $0, outFeatures: outputs, inFeatures: inputs, format: format
        ).isFinite
      }
    }
    let infinity: UInt32
    switch format {
    case .float32: infinity = 0x7f80_0000
    case .bfloat16: infinity = 0x7f80
    case .float16: infinity = 0x7c00
    }
    let sign: UInt32 = 1 << (8 * UInt32(width) - 1)
    for element in 0..<outputs * inputs {
      let isFound = try !isFinite(infinity, at: element)
      #expect(isFound, "element \(element)")
    }
    for element in [0, 5, outputs * inputs - 1] {
      for bits in [infinity | sign, infinity + 1, infinity | sign | 1, sign - 1] {
        let isFound = try !isFinite(bits, at: element)
        #expect(isFound)
      }
      for bits in [infinity - 1, infinity - 1 | sign, 0, sign, 1] {
        let isTaken = try isFinite(bits, at: element)
        #expect(isTaken)
      }
    }
  }

  @Test("it takes a matrix without elements", arguments: [(0, 0), (0, 5), (5, 0)])
  func takesEmpty(outputs: Int, inputs: Int) throws {
    let packing = try WeightPacking(
      outFeatures: outputs, inFeatures: inputs, format: .bfloat16, byteCount: 0)
    let packed = try packing.pack(parallelism: .serial) {
      (offset: Int, target: UnsafeMutableRawBufferPointer) throws(Failure) in
      if !target.isEmpty { throw Failure(offset: offset) }
    }
    let matrix = WeightMatrix(packed)
    #expect(matrix.isFinite)
    #expect(matrix.outFeatures == outputs && matrix.inFeatures == inputs)
  }

  @Test("it puts small matrices side by side, none on another, and large ones apart")
  func sharesMemory() throws {
    let memory = WeightMemory()
    let sizes = [1, 64, 65, 3 << 20, 100, 9 << 20, 5 << 20, 7 << 20, 63 << 20, 200, 0, 7 << 20]
    let parts = sizes.map { memory.take(byteCount: $0) }
    let places = parts.map { Int(bitPattern: $0.address) }
    for (index, part) in parts.enumerated() {
      #expect(part.byteCount == sizes[index])
      #expect(places[index] % 64 == 0)
      for other in parts.indices where other != index {
        #expect(
          places[index] + sizes[index] <= places[other]
            || places[other] + sizes[other] <= places[index])
      }
    }
    // From the first large page on, small ones follow one another.
    #expect(places[4] == places[3] + 3 << 20)
    #expect(places[6] == places[4] + 128)
  }
}
