import MeteoRAMath
import Testing

/// The functions of one argument, scalar and vector form.
enum Function: String, CaseIterable {
  case exp, log, sin, cos

  func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .exp: CorrectlyRounded.exp(x)
    case .log: CorrectlyRounded.log(x)
    case .sin: CorrectlyRounded.sin(x)
    case .cos: CorrectlyRounded.cos(x)
    }
  }

  func replace(_ values: UnsafeMutableBufferPointer<Float>) {
    switch self {
    case .exp: CorrectlyRounded.exp(inPlace: values)
    case .log: CorrectlyRounded.log(inPlace: values)
    case .sin: CorrectlyRounded.sin(inPlace: values)
    case .cos: CorrectlyRounded.cos(inPlace: values)
    }
  }
}

/// A reader's description of the first element that differs, or `nil`.
func difference(_ actual: [Float], _ expected: [Float], at argument: (Int) -> String) -> String? {
  BitEquality.firstDifference(actual, expected).map { index in
    guard actual.indices.contains(index), expected.indices.contains(index) else {
      return "\(actual.count) elements instead of \(expected.count)"
    }
    let bits = [actual[index], expected[index]].map { String($0.bitPattern, radix: 16) }
    return "at \(argument(index)): \(bits[0]) instead of \(bits[1])"
  }
}

@Suite("Elementary functions against the golden bits")
struct ElementaryFunctionGoldenTests {
  @Test("returns the nearest number, one at a time", arguments: Function.allCases)
  func equalsGoldenBits(function: Function) throws {
    let cases = try GoldenCase.all(of: function.rawValue)
    #expect(cases.count >= 3)
    for golden in cases {
      let x = try golden.floats("x")
      let found = difference(x.map { function($0) }, try golden.floats("y")) { "\(x[$0])" }
      #expect(found == nil, "\(golden.id)")
    }
  }

  @Test("returns the nearest number, in place", arguments: Function.allCases)
  func equalsGoldenBitsInPlace(function: Function) throws {
    for golden in try GoldenCase.all(of: function.rawValue) {
      let x = try golden.floats("x")
      var y = x
      y.withUnsafeMutableBufferPointer { function.replace($0) }
      let found = difference(y, try golden.floats("y")) { "\(x[$0])" }
      #expect(found == nil, "\(golden.id)")
    }
  }

  @Test("returns the nearest power")
  func equalsGoldenBitsOfPow() throws {
    let cases = try GoldenCase.all(of: "pow")
    #expect(cases.count >= 5)
    for golden in cases {
      let (x, y) = (try golden.floats("x"), try golden.floats("exponent"))
      let powers = zip(x, y).map { CorrectlyRounded.pow($0, $1) }
      let found = difference(powers, try golden.floats("y")) { "\(x[$0]) ^ \(y[$0])" }
      #expect(found == nil, "\(golden.id)")
    }
  }
}

@Suite("Vector forms")
struct VectorFormTests {
  @Test("gives the bits of the scalar form for every length", arguments: Function.allCases)
  func equalsScalarForm(function: Function) throws {
    // Undecided, special and ordinary arguments meet in one vector.
    let hard = try GoldenCase.named("math/\(function.rawValue)-hard", of: function.rawValue)
    let special = try GoldenCase.named("math/\(function.rawValue)-special", of: function.rawValue)
    let (rare, odd) = (try hard.floats("x"), try special.floats("x"))
    let source = (0..<200).map { index in
      index % 5 == 0
        ? rare[index % rare.count] : index % 7 == 3 ? odd[index % odd.count] : Float(index) * 0.37
    }
    for count in 0...67 {
      for start in [0, 1, 3, 100] {
        let slice = Array(source[start..<(start + count)])
        // A sentinel to either side must survive.
        var values = [Float(-7)] + slice + [Float(-7)]
        values.withUnsafeMutableBufferPointer {
          function.replace(UnsafeMutableBufferPointer(rebasing: $0[1..<(count + 1)]))
        }
        let expected = [Float(-7)] + slice.map { function($0) } + [Float(-7)]
        #expect(difference(values, expected) { "\($0) of \(count)" } == nil)
      }
    }
  }

  @Test(
    "gives the bits of the scalar form whether a piece is decided or not",
    arguments: Function.allCases, [511, 512, 513, 1024, 1300])
  func equalsScalarFormInPieces(function: Function, count: Int) throws {
    let hard = try GoldenCase.named("math/\(function.rawValue)-hard", of: function.rawValue)
    let rare = try #require(hard.floats("x").first)
    let ordinary = (0..<count).map { Float($0) * 0.07 - 20 }
    // Nowhere, at the end, and in the last piece but one.
    for place in [nil, count - 1, count / 2] {
      var source = ordinary
      if let place { source[place] = rare }
      var values = source
      values.withUnsafeMutableBufferPointer { function.replace($0) }
      #expect(difference(values, source.map { function($0) }) { "\($0) of \(count)" } == nil)
    }
  }

  @Test("raises every element to the same power")
  func equalsScalarPow() {
    let source: [Float] = [0, 1, 2, 3, 1e4, 5e5, .infinity, .nan, 0.1]
    for exponent: Float in [-0.5, 0, 0.25, 2] {
      var values = source
      values.withUnsafeMutableBufferPointer {
        CorrectlyRounded.pow(inPlace: $0, exponent: exponent)
      }
      let expected = source.map { CorrectlyRounded.pow($0, exponent) }
      #expect(difference(values, expected) { "\(source[$0])" } == nil)
    }
  }

  @Test("does nothing to an empty buffer", arguments: Function.allCases)
  func acceptsNoElements(function: Function) {
    let empty = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    function.replace(empty)
    CorrectlyRounded.pow(inPlace: empty, exponent: 2)
    #expect(empty.isEmpty)
  }
}
