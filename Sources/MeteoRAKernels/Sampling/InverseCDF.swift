/// The id that a number between 0 and 1 picks: the inverse of the cumulative distribution.
///
///     C(n) = dot of (p[0], …, p[n − 1]) with ones, in its blocks of 128
///     the lowest i with u · C(V) < C(i + 1)
///
/// The product is rounded once. It is below C(V) for every u of up to 24 bits, so there always is
/// an i; and C grows there, so that its probability is not 0. (C(V) itself is 1 but for roundings.)
///
/// - Parameters:
///   - probabilities: p, `[vocabulary]`: at least 0, not all of them 0.
///   - u: A multiple of 2⁻²⁴ in 0 ..< 1.
package func inverseCDF(of probabilities: [Float], at u: Float) -> Int {
  var sum = BlockedSum()
  for probability in probabilities { sum.add(probability) }
  let target = u * sum.value
  sum = BlockedSum()
  for (id, probability) in probabilities.enumerated() {
    sum.add(probability)
    if target < sum.value { return id }
  }
  return 0
}
