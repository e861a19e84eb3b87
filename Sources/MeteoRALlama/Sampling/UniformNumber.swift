import MeteoRAMath

/// The random number by which a sequence draws its next token: a multiple of 2⁻²⁴ in 0 ..< 1.
///
///     w = Philox4x32-10 of counter (step mod 2³², step / 2³², 0, 0) and key (seed mod 2³², seed / 2³²)
///     u = (w[0] / 2⁸, rounded down) · 2⁻²⁴
///
/// It depends on seed and step alone. So a sequence draws the same numbers by itself, in any batch,
/// and whatever the others do. The counter's last two words are left to other uses.
///
/// - Parameters:
///   - seed: Any number; each is another stream.
///   - step: How many tokens the sequence has been continued by: 0 for its first new one.
package func uniformNumber(seed: UInt64, step: UInt64) -> Float {
  let words = Philox.words(
    counter: [UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: step >> 32), 0, 0],
    key: [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)])
  return Float(words[0] >> 8) * 0x1p-24
}
