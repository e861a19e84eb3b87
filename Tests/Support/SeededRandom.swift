/// xorshift64*, so that every run draws the same numbers.
package struct SeededRandom {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  package mutating func next(below bound: Int) -> Int {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % bound
  }

  /// A number from −1 up to 1 with few bits.
  package mutating func weight() -> Float { Float(next(below: 2048) - 1024) / 1024 }
}
