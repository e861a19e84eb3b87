import MeteoRAMath
import Testing

@Suite("Dot product")
struct DotProductTests {
  @Test("equals the golden bits, contiguous, strided and as arrays")
  func equalsGoldenBits() throws {
    let cases = try GoldenCase.all(of: "dot")
    #expect(cases.count >= 20)
    for golden in cases {
      let (a, b) = (try golden.floats("a"), try golden.floats("b"))
      let shape = try golden.shape("a")
      let (rows, count) = (shape[0], shape[1])
      // The rows of b as the columns of a matrix.
      let columns = (0..<(count * rows)).map { b[$0 % rows * count + $0 / rows] }
      var contiguous: [Float] = []
      var strided: [Float] = []
      var checked: [Float] = []
      for row in 0..<rows {
        let (left, right) = (Array(a[(row * count)..<((row + 1) * count)]), row * count)
        contiguous.append(DotProduct.dot(left, Array(b[right..<(right + count)]), count: count))
        strided.append(
          DotProduct.dot(left, Array(columns.dropFirst(row)), stride: rows, count: count))
        checked.append(try DotProduct.dot(left, Array(b[right..<(right + count)])))
      }
      let expected = try golden.floats("y")
      for actual in [contiguous, strided, checked] {
        #expect(difference(actual, expected) { "row \($0)" } == nil, "\(golden.id)")
      }
    }
  }

  @Test("sums blocks of 128")
  func sumsBlocks() throws {
    // One chain would absorb each 1 in 2²⁴; the second block collects its own 128 first.
    let a = [Float(0x1p24)] + [Float](repeating: 1, count: 255)
    let ones = [Float](repeating: 1, count: 256)
    #expect(DotProduct.blockLength == 128)
    #expect(try DotProduct.dot(a, ones) == 0x1p24 + 128)
  }

  @Test("returns +0 for no elements")
  func returnsZeroForNoElements() throws {
    #expect(try DotProduct.dot([], []).bitPattern == 0)
  }

  @Test("never returns −0")
  func neverReturnsNegativeZero() throws {
    #expect(try DotProduct.dot([-0.0], [1]).bitPattern == 0)
  }

  @Test("refuses vectors of unequal length")
  func refusesUnequalLengths() {
    let expected = DotProductError.unequalLengths(left: 2, right: 3)
    #expect(throws: expected) { try DotProduct.dot([1, 2], [1, 2, 3]) }
    #expect(
      expected.description == "dot product: the left vector has 2 elements, the right one 3; "
        + "they must have the same number")
  }
}
