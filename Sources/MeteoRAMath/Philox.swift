/// The counter-based random generator Philox4x32-10: a fixed function of a key and a counter.
///
/// There is no state, so that a number depends on nothing but what it is asked for: draws of one
/// sequence never move those of another. Ten times, with 32-bit words c (counter) and k (key):
///
///     (h0, l0) = 0xD2511F53 · c[0]      (h1, l1) = 0xCD9E8D57 · c[2]     upper and lower 32 bits
///     c = (h1 ^ c[1] ^ k[0],  l1,  h0 ^ c[3] ^ k[1],  l0)
///     k = (k[0] + 0x9E3779B9,  k[1] + 0xBB67AE85)                        modulo 2³²
///
/// - SeeAlso: Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC '11.
///   The tests hold the known answers that its authors publish.
package enum Philox {
  /// The four words of a counter.
  package static func words(
    counter: SIMD4<UInt32>, key: SIMD2<UInt32>
  ) -> SIMD4<UInt32> {
    var (counter, key) = (counter, key)
    for _ in 0..<10 {
      let first = UInt32(0xD251_1F53).multipliedFullWidth(by: counter[0])
      let second = UInt32(0xCD9E_8D57).multipliedFullWidth(by: counter[2])
      counter = [
        second.high ^ counter[1] ^ key[0], second.low,
        first.high ^ counter[3] ^ key[1], first.low,
      ]
      key = key &+ [0x9E37_79B9, 0xBB67_AE85]
    }
    return counter
  }
}
