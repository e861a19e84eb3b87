/// Divides logits by a temperature, and gives infinite ones a meaning.
///
///     q[i] = l[i] / T
///     if max q is infinite:   l[i] = 0 where l[i] = max l,  −∞ elsewhere        else:   l[i] = q[i]
///
/// The second line is the limit of small temperatures, which are no less greedy for an overflow of
/// the division. It makes +∞ certain, and several of them equally likely; where nothing but −∞ is
/// left, because every token is blocked, all are equal. The largest logit is finite afterwards, so
/// that a softmax of them holds no NaN.
///
/// - Parameters:
///   - logits: `[vocabulary]`, none of them NaN; changed in place.
///   - temperature: Finite and above 0.
package func divide(_ logits: inout [Float], byTemperature temperature: Float) {
  // Division by a number above 0 keeps the order, so that the largest stays so.
  guard let largest = logits.max() else { return }
  if (largest / temperature).isInfinite {
    for index in logits.indices {
      logits[index] = logits[index] == largest ? 0 : -.infinity
    }
  } else if temperature != 1 {
    for index in logits.indices { logits[index] /= temperature }
  }
}
