import MeteoRAMath
import Testing

@Suite("Widening")
struct WideningTests {
  @Test("widens every bfloat16 number exactly")
  func widensBFloat16() throws {
    let golden = try GoldenCase.named("math/widen-bf16", of: "widen")
    try check(golden, of: UInt16.self) { Widening.float(bfloat16: $0) }
  }

  @Test("widens every binary16 number exactly")
  func widensFloat16() throws {
    let golden = try GoldenCase.named("math/widen-f16", of: "widen")
    try check(golden, of: UInt16.self) { Widening.float(float16: $0) }
  }

  @Test("widens every 8-bit number with 4 bits of exponent exactly")
  func widensFloat8E4M3() throws {
    let golden = try GoldenCase.named("math/widen-f8-e4m3", of: "widen")
    try check(golden, of: UInt8.self) { Widening.float(float8E4M3: $0) }
  }

  @Test("widens every 8-bit number with 5 bits of exponent exactly")
  func widensFloat8E5M2() throws {
    let golden = try GoldenCase.named("math/widen-f8-e5m2", of: "widen")
    try check(golden, of: UInt8.self) { Widening.float(float8E5M2: $0) }
  }

  @Test("keeps the sign of a zero")
  func keepsSignOfZero() {
    #expect(Widening.float(bfloat16: 0x8000).bitPattern == 0x8000_0000)
    #expect(Widening.float(float16: 0x8000).bitPattern == 0x8000_0000)
    #expect(Widening.float(float8E4M3: 0x80).bitPattern == 0x8000_0000)
    #expect(Widening.float(float8E5M2: 0x80).bitPattern == 0x8000_0000)
  }

  /// Compares the listed numbers, which name a mistake, and the checksum of all bit patterns.
  private func check<Bits: FixedWidthInteger>(
    _ golden: GoldenCase, of type: Bits.Type, widen: (Bits) -> Float
  ) throws {
    let x = try golden.elements("x", as: type)
    let found = difference(x.map(widen), try golden.floats("y")) { String(x[$0], radix: 16) }
    #expect(found == nil)
    let everything = (0...Bits.max).map(widen)
    let checksum = String(fnv1a(everything), radix: 16)
    let padded = String(repeating: "0", count: 16 - checksum.utf8.count) + checksum
    #expect(padded == golden.parameters.checksum)
  }

  /// FNV-1a with 64 bits, over little-endian binary32 numbers, NaN as 7FC00000.
  private func fnv1a(_ values: [Float]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for value in values {
      let bits = value.isNaN ? 0x7FC0_0000 : value.bitPattern
      for shift: UInt32 in [0, 8, 16, 24] {
        hash = (hash ^ UInt64(bits >> shift & 0xFF)) &* 0x0000_0100_0000_01B3
      }
    }
    return hash
  }
}
