/// Divides logits by a temperature, and gives infinite ones a meaning.
///
///     l[i] = l[i] / T
///     m = max l;  if m is infinite:   l[i] = 0 where l[i] = m,  −∞ elsewhere
///
/// The second line makes +∞, from the model or an overflow of the division, certain, and several of
/// them equally likely; where nothing but −∞ is left, because every token is blocked, all are equal.
/// The largest logit is finite afterwards, so that a softmax of them holds no NaN.
///
/// - Parameters:
///   - logits: `[vocabulary]`, none of them NaN; changed in place.
///   - temperature: Finite and above 0.
package func divide(_ logits: inout [Float], byTemperature temperature: Float) {
  if temperature != 1 {
    for index in logits.indices { logits[index] /= temperature }
  }
  guard let largest = logits.max(), largest.isInfinite else { return }
  for index in logits.indices {
    logits[index] = logits[index] == largest ? 0 : -.infinity
  }
}
