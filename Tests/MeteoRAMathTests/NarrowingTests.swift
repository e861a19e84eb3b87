import MeteoRAMath
import Testing

@Suite("Narrowing")
struct NarrowingTests {
  /// A narrow format: its bit patterns of one sign ascend with the numbers, up to infinity.
  struct Format: Sendable, CustomTestStringConvertible {
    var name: String
    var infinity: UInt16
    var widen: @Sendable (UInt16) -> Float
    var narrow: @Sendable (Float) -> UInt16

    var testDescription: String { name }
  }

  static let formats = [
    Format(
      name: "bfloat16", infinity: 0x7F80, widen: { Widening.float(bfloat16: $0) },
      narrow: { Narrowing.bfloat16($0) }),
    Format(
      name: "binary16", infinity: 0x7C00, widen: { Widening.float(float16: $0) },
      narrow: { Narrowing.float16($0) }),
  ]

  @Test("gives back what was widened", arguments: formats)
  func restores(format: Format) {
    let wrong = (0...format.infinity).first { bits in
      format.narrow(format.widen(bits)) != bits
        || format.narrow(-format.widen(bits)) != bits | 0x8000
    }
    #expect(wrong == nil)
  }

  @Test("rounds to nearest, half way to the even pattern", arguments: formats)
  func rounds(format: Format) {
    var wrong: [UInt16] = []
    for lower in 0..<format.infinity {
      // Exact in binary32, which has more bits and a wider range; half a step below infinity is that
      // of the binade below.
      let start = format.widen(lower)
      let step =
        lower + 1 == format.infinity
        ? start - format.widen(lower - 1) : format.widen(lower + 1) - start
      let middle = start + step / 2
      let even = lower % 2 == 0 ? lower : lower + 1
      let isRight =
        format.narrow(middle) == even && format.narrow(middle.nextDown) == lower
        && format.narrow(middle.nextUp) == lower + 1 && format.narrow(-middle) == even | 0x8000
      if !isRight { wrong.append(lower) }
    }
    #expect(wrong.isEmpty)
  }

  @Test("makes infinity of what is too large", arguments: formats)
  func overflows(format: Format) {
    #expect(format.narrow(.infinity) == format.infinity)
    #expect(format.narrow(-.infinity) == format.infinity | 0x8000)
    #expect(format.narrow(.greatestFiniteMagnitude) == format.infinity)
    #expect(format.narrow(-.greatestFiniteMagnitude) == format.infinity | 0x8000)
  }

  @Test("makes zero of the same sign of what is too small", arguments: formats)
  func underflows(format: Format) {
    let small = Float(sign: .plus, exponent: -149, significand: 1)
    #expect(format.narrow(small) == 0)
    #expect(format.narrow(-small) == 0x8000)
    #expect(format.narrow(-0.0) == 0x8000)
  }

  @Test("keeps NaN quiet, with its sign", arguments: formats)
  func keepsNaN(format: Format) {
    for pattern: UInt32 in [0x7FC0_0000, 0x7F80_0001, 0x7FFF_FFFF] {
      let positive = format.narrow(Float(bitPattern: pattern))
      let negative = format.narrow(Float(bitPattern: pattern | 0x8000_0000))
      #expect(format.widen(positive).isNaN && positive < 0x8000)
      #expect(negative == positive | 0x8000)
    }
  }
}
