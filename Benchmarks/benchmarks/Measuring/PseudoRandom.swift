import MeteoRAKernels

/// Seeded numbers that cost little to make again.
struct PseudoRandom {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// A number in −0.5 ..< 0.5.
  @inline(__always)
  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 33)) / Float(1 << 31) - 0.5
  }

  /// So many of them.
  static func values(_ count: Int, seed: UInt64) -> [Float] {
    var random = PseudoRandom(seed: seed)
    return (0..<count).map { _ in random.next() }
  }
}

extension WeightFormat {
  /// How a number is stored: cut, not rounded, as any value of the format will do.
  @inline(__always)
  func stored(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if self == .bfloat16 { return UInt16(truncatingIfNeeded: bits >> 16) }
    let exponent = Int(bits >> 23 & 0xFF) - 112
    guard exponent > 0 else { return 0 }
    return UInt16(truncatingIfNeeded: bits >> 16 & 0x8000)
      | UInt16(truncatingIfNeeded: exponent << 10) | UInt16(truncatingIfNeeded: bits >> 13 & 0x3FF)
  }

  /// How the format is called in the names of cases.
  var label: String {
    switch self {
    case .float32: "f32"
    case .bfloat16: "bf16"
    case .float16: "f16"
    }
  }
}
