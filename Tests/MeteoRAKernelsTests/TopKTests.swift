import MeteoRAKernels
import Testing

@Suite("Top-k")
struct TopKTests {
  /// The rule, written as a sort: larger first, NaN above everything, equal ones by index.
  static func sorted(_ row: [Float]) -> [Int32] {
    row.indices.sorted { a, b in
      let (x, y) = (row[a], row[b])
      if x.isNaN || y.isNaN { return x.isNaN && (!y.isNaN || a < b) }
      return x == y ? a < b : x > y
    }.map { Int32($0) }
  }

  @Test("it equals the first k of a sort", arguments: [1, 2, 3, 8, 28, 32, 33, 130])
  func equalsSort(width: Int) throws {
    var random = SeededRandom(width)
    // Few distinct values, so that ties are everywhere; NaN, infinities and both zeros among them.
    let values: [Float] = [0, -0.0, 1, -1, .nan, .infinity, -.infinity, 2, 2, 3.5]
    let rows = 40
    let logits = (0..<rows * width).map { _ in values[Int(random.next() % 10)] }
    for k in Set([1, 2, 3, 31, 32, 33, width - 1, width]) where (1...width).contains(k) {
      let actual = try topK(k, of: logits, rows: rows, width: width)
      let expected = (0..<rows).flatMap { row in
        Self.sorted(Array(logits[row * width..<(row + 1) * width])).prefix(k)
      }
      #expect(actual == expected)
    }
  }

  @Test("it refuses k out of range", arguments: [0, -1, 4, .max, .min])
  func refusesK(k: Int) {
    #expect(
      throws: KernelError.outOfRange(
        argument: "k", actual: "\(k)", allowed: "1...3")
    ) {
      try topK(k, of: [1, 2, 3], rows: 1, width: 3)
    }
  }

  @Test("it takes a k as large as a long row")
  func takesLargeK() throws {
    let width = 200_000
    // Ascending: every element is larger than all before.
    let actual = try topK(width, of: (0..<width).map(Float.init), rows: 1, width: width)
    #expect(actual == (0..<Int32(width)).reversed())
  }

  @Test("it refuses rows without elements", arguments: [0, 1, 1 << 31])
  func refusesEmptyRows(rows: Int) {
    #expect(
      throws: KernelError.outOfRange(
        argument: "width", actual: "0", allowed: "1...2147483647")
    ) {
      try topK(1, of: [], rows: rows, width: 0)
    }
  }

  @Test(
    "it refuses a size out of range", arguments: [(.max, 1), (-1, -3), (1, .min)] as [(Int, Int)])
  func refusesDimensions(rows: Int, width: Int) {
    #expect(
      throws: KernelError.invalidDimension(
        argument: "logits", shape: [rows, width], maximum: 1 << 31)
    ) {
      try topK(1, of: [1, 2, 3], rows: rows, width: width)
    }
  }

  @Test("it refuses logits of another size")
  func refusesSize() {
    #expect(throws: KernelError.elementCount(argument: "logits", expected: 6, actual: 5)) {
      try topK(1, of: [1, 2, 3, 4, 5], rows: 2, width: 3)
    }
  }
}
