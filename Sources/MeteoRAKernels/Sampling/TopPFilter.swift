/// Removes the logits outside the nucleus: the fewest of the most likely tokens that have at least
/// the probability p together.
///
///     q = softmax(l)          in ascending id, as everywhere
///     r[0], r[1], …           the ids by descending logit, of equal ones the lower first; −0 = +0
///     C(n) = dot of (q[r[0]], …, q[r[n − 1]]) with ones, in its blocks of 128
///     the first n with C(n) ≥ p:   r[0] … r[n − 1] stay, the others become −∞; all stay if none has
///
/// Unlike ties of top-k, equal logits at the border are told apart by their ids.
///
/// - Parameters:
///   - probability: p, above 0; 1 or more removes none.
///   - logits: `[vocabulary]`, none of them NaN, the largest finite; changed in place.
/// - SeeAlso: Holtzman et al., *The Curious Case of Neural Text Degeneration*, arXiv:1904.09751.
package func keepNucleus(of probability: Float, in logits: inout [Float]) {
  guard probability < 1 else { return }
  var probabilities = logits
  softmax(row: &probabilities)
  var nucleus = [Float](repeating: -.infinity, count: logits.count)
  var sum = BlockedSum()
  for id in DescendingLogits(logits) {
    nucleus[id] = logits[id]
    sum.add(probabilities[id])
    if sum.value >= probability { break }
  }
  logits = nucleus
}
