// log: natural logarithms.
//
//   x = 2ᵏ · m, ½√2 ≲ m ≲ √2        a = the multiple of 1/128 nearest to m
//   s = (m − a) / (m + a), |s| ≤ 2⁻⁸·⁵ (the two differences and sums are exact)
//   ln x = k · ln 2 + ln a + 2 · (s + s³/3 + s⁵/5 + s⁷/7)
//
// Error bound, u = 2⁻⁵³, relative to the result:
//   a = 1, k = 0: the result is near 2s; s is off by u, the series by s⁸/9 < 2⁻⁷⁰, roundings of the
//      sum (2s + a term below 2⁻¹⁸ of it) by 2u:                                   < 2⁻⁵¹
//   k = 0, a ≠ 1: |ln a| ≥ 2⁻⁷·⁰¹, |2s| ≤ |ln a| / 1.9, so that the sum is at least 0.47 |ln a|;
//      table and roundings lose below 2u of |ln a|:                                < 2⁻⁵⁰·⁵
//   k ≠ 0: the result is at least 0.49 · |k| · ln 2; k · ln 2 is off by 1.5u, ln a and s by u of at
//      most 0.36, roundings by u each:                                             < 2⁻⁵⁰
// The bound taken is 2⁻⁴⁹.

extension CorrectlyRounded {
  /// The natural logarithm of `x`, rounded to the nearest `Float`.
  ///
  /// log(1) = +0, log(±0) = −∞, log(+∞) = +∞; log of a negative number or of NaN is NaN.
  public static func log(_ x: Float) -> Float {
    guard x > 0, x < .infinity else {
      return x == 0 ? -.infinity : x < 0 ? .nan : x
    }
    guard x != 1 else { return 0 }
    let approximation = LogKernel.logarithm(Double(x))
    let candidates = RoundingCandidates(
      approximation.magnitude, relativeError: LogKernel.relativeError)
    let isUpper =
      !candidates.areEqual
      && MidpointComparison.logarithmMagnitude(of: x, exceeds: candidates.midpoint)
    let magnitude = isUpper ? candidates.upper : candidates.lower
    return x < 1 ? -magnitude : magnitude
  }

  /// Replaces every element by its ``log(_:)-(Float)``, one after the other.
  public static func log(inPlace values: UnsafeMutableBufferPointer<Float>) {
    for index in values.indices { values[index] = log(values[index]) }
  }
}

/// The approximation in `Double` on which `log` and `pow` rest.
enum LogKernel {
  static let relativeError = 0x1p-49

  private static let ln2 = 0x1.62e42fefa39efp-1
  private static let twoThirds = 0x1.5555555555555p-1
  private static let twoFifths = 0x1.999999999999ap-2
  private static let twoSevenths = 0x1.2492492492492p-2

  /// ln x for a normal x > 0 with at most 24 significant bits.
  static func logarithm(_ x: Double) -> Double {
    // A significand above 1.4140625 is halved.
    let offset: UInt64 = 0x3FF6_A000_0000_0000 - (1 << 52)
    let exponent = Int64(bitPattern: x.bitPattern &- offset) >> 52
    let m = Double(bitPattern: x.bitPattern &- UInt64(bitPattern: exponent) << 52)
    let index = Int(m * 128 + 0.5)
    let a = Double(index) * 0x1p-7
    let s = (m - a) / (m + a)
    let square = s * s
    let cubic = s * square * (twoThirds + square * (twoFifths + square * twoSevenths))
    return Double(exponent) * ln2 + (ofMultiples[index - 90] + (2 * s + cubic))
  }

  /// ln(j / 128) for j = 90…182.
  private static let ofMultiples: [Double] = [
    -0x1.68ac83e9c6a14p-2, -0x1.5d5bddf595f30p-2, -0x1.522ae0738a3d8p-2, -0x1.4718dc271c41bp-2,
    -0x1.3c25277333184p-2, -0x1.314f1e1d35ce4p-2, -0x1.269621134db92p-2, -0x1.1bf99635a6b95p-2,
    -0x1.1178e8227e47cp-2, -0x1.07138604d5862p-2, -0x1.f991c6cb3b379p-3, -0x1.e530effe71012p-3,
    -0x1.d1037f2655e7bp-3, -0x1.bd087383bd8adp-3, -0x1.a93ed3c8ad9e3p-3, -0x1.95a5adcf7017fp-3,
    -0x1.823c16551a3c2p-3, -0x1.6f0128b756abcp-3, -0x1.5bf406b543db2p-3, -0x1.4913d8333b561p-3,
    -0x1.365fcb0159016p-3, -0x1.23d712a49c202p-3, -0x1.1178e8227e47cp-3, -0x1.fe89139dbd566p-4,
    -0x1.da727638446a2p-4, -0x1.b6ac88dad5b1cp-4, -0x1.9335e5d594989p-4, -0x1.700d30aeac0e1p-4,
    -0x1.4d3115d207eacp-4, -0x1.2aa04a44717a5p-4, -0x1.08598b59e3a07p-4, -0x1.ccb73cdddb2ccp-5,
    -0x1.894aa149fb343p-5, -0x1.466aed42de3eap-5, -0x1.0415d89e74444p-5, -0x1.8492528c8cabfp-6,
    -0x1.0205658935847p-6, -0x1.010157588de71p-7, 0, 0x1.fe02a6b106789p-8,
    0x1.fc0a8b0fc03e4p-7, 0x1.7b91b07d5b11bp-6, 0x1.f829b0e783300p-6, 0x1.39e87b9febd60p-5,
    0x1.77458f632dcfcp-5, 0x1.b42dd711971bfp-5, 0x1.f0a30c01162a6p-5, 0x1.16536eea37ae1p-4,
    0x1.341d7961bd1d1p-4, 0x1.51b073f06183fp-4, 0x1.6f0d28ae56b4cp-4, 0x1.8c345d6319b21p-4,
    0x1.a926d3a4ad563p-4, 0x1.c5e548f5bc743p-4, 0x1.e27076e2af2e6p-4, 0x1.fec9131dbeabbp-4,
    0x1.0d77e7cd08e59p-3, 0x1.1b72ad52f67a0p-3, 0x1.29552f81ff523p-3, 0x1.371fc201e8f74p-3,
    0x1.44d2b6ccb7d1ep-3, 0x1.526e5e3a1b438p-3, 0x1.5ff3070a793d4p-3, 0x1.6d60fe719d21dp-3,
    0x1.7ab890210d909p-3, 0x1.87fa06520c911p-3, 0x1.9525a9cf456b4p-3, 0x1.a23bc1fe2b563p-3,
    0x1.af3c94e80bff3p-3, 0x1.bc286742d8cd6p-3, 0x1.c8ff7c79a9a22p-3, 0x1.d5c216b4fbb91p-3,
    0x1.e27076e2af2e6p-3, 0x1.ef0adcbdc5936p-3, 0x1.fb9186d5e3e2bp-3, 0x1.0402594b4d041p-2,
    0x1.0a324e27390e3p-2, 0x1.1058bf9ae4ad5p-2, 0x1.1675cababa60ep-2, 0x1.1c898c16999fbp-2,
    0x1.22941fbcf7966p-2, 0x1.2895a13de86a3p-2, 0x1.2e8e2bae11d31p-2, 0x1.347dd9a987d55p-2,
    0x1.3a64c556945eap-2, 0x1.404308686a7e4p-2, 0x1.4618bc21c5ec2p-2, 0x1.4be5f957778a1p-2,
    0x1.51aad872df82dp-2, 0x1.5767717455a6cp-2, 0x1.5d1bdbf5809cap-2, 0x1.62c82f2b9c795p-2,
    0x1.686c81e9b14afp-2,
  ]
}
