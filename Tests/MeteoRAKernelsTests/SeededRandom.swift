import MeteoRAKernels

/// A stream of test data that is the same in every run (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) {
    state = UInt64(truncatingIfNeeded: seed)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// Numbers of both signs and of magnitudes around one, with full significands.
  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      let bits = next()
      let magnitude = Float(
        bitPattern: 0x3e80_0000 + UInt32(truncatingIfNeeded: bits) % 0x0140_0000)
      return bits >> 63 == 0 ? magnitude : -magnitude
    }
  }

  /// A matrix in a format, and its elements widened: `[rows, columns]`.
  mutating func matrix(
    _ rows: Int, _ columns: Int, _ format: WeightFormat = .float32
  ) throws -> (matrix: WeightMatrix, values: [Float]) {
    let (bytes, values) = stored(rows * columns, format)
    let matrix = try bytes.withUnsafeBytes {
      try WeightMatrix(rowMajor: $0, outFeatures: rows, inFeatures: columns, format: format)
    }
    return (matrix, values)
  }

  /// The bytes of numbers in a format, and the numbers.
  mutating func stored(_ count: Int, _ format: WeightFormat) -> (bytes: [UInt8], values: [Float]) {
    let values = floats(count)
    switch format {
    case .float32:
      return (values.withUnsafeBytes { Array($0) }, values)
    case .bfloat16:
      let bits = values.map { UInt16($0.bitPattern >> 16) }
      return (
        bits.withUnsafeBytes { Array($0) }, bits.map { Float(bitPattern: UInt32($0) << 16) }
      )
    case .float16:
      // Ten bits of significand, exponents of normal numbers: the same numbers in both formats.
      let kept = values.map { Float(bitPattern: $0.bitPattern & 0xffff_e000) }
      let bits = kept.map { value in
        let pattern = value.bitPattern
        let magnitude = (pattern & 0x7fff_ffff) - (127 - 15) << 23
        return UInt16(pattern >> 31) << 15 | UInt16(magnitude >> 13)
      }
      return (bits.withUnsafeBytes { Array($0) }, kept)
    }
  }
}
