import MeteoRAMath

/// How two float tensors of one shape differ.
public struct BitDifference: Sendable, Equatable {
  /// Row-major index of the first element that differs.
  public let index: Int
  /// The same as one index a dimension.
  public let position: [Int]
  /// The result's element there.
  public let actual: Float
  /// The expected one.
  public let expected: Float
  /// Representable numbers from one to the other; `UInt64.max` between NaN and a number.
  public let ulp: UInt64
  /// Elements that differ.
  public let count: Int
  /// Elements of a tensor.
  public let total: Int

  /// Compares by bit pattern: NaN equals NaN whatever its payload, +0 and −0 differ.
  ///
  /// - Parameters:
  ///   - shape: Of both tensors; its product is the number of their elements.
  ///   - tolerance: Representable numbers that two elements may be apart.
  /// - Returns: `nil` if no element differs.
  init?(
    _ actual: [Float], expected: [Float], shape: [Int], tolerance: UInt64 = 0
  ) {
    var first: Int?
    var count = 0
    for index in 0..<min(actual.count, expected.count)
    where !BitEquality.equal(actual[index], expected[index])
      && ULP.distance(actual[index], expected[index]) > tolerance
    {
      first = first ?? index
      count += 1
    }
    guard let first else { return nil }
    index = first
    position = Self.position(of: first, in: shape)
    self.actual = actual[first]
    self.expected = expected[first]
    ulp = ULP.distance(actual[first], expected[first])
    self.count = count
    total = expected.count
  }

  /// The index in every dimension of a row-major index.
  static func position(of index: Int, in shape: [Int]) -> [Int] {
    var rest = index
    var position: [Int] = []
    for size in shape.reversed() where size > 0 {
      position.append(rest % size)
      rest /= size
    }
    return position.reversed()
  }
}

extension BitDifference {
  /// Whether two differences are the same, bit by bit.
  public static func == (a: BitDifference, b: BitDifference) -> Bool {
    a.position == b.position && a.index == b.index && a.count == b.count && a.total == b.total
      && a.actual.bitPattern == b.actual.bitPattern
      && a.expected.bitPattern == b.expected.bitPattern
  }
}

extension BitDifference: CustomStringConvertible {
  public var description: String {
    let distance = ulp == .max ? "no distance" : "\(ulp) ulp"
    return "element \(position) (\(index)) is \(Self.text(actual)), "
      + "expected \(Self.text(expected)), \(distance); \(count) of \(total) elements differ"
  }

  private static func text(_ value: Float) -> String {
    let digits = String(value.bitPattern, radix: 16)
    return "\(value) [0x" + String(repeating: "0", count: 8 - digits.count) + digits + "]"
  }
}
