/// Removes all but the k largest logits, and those that equal the k-th.
///
///     l[i] = l[i] ≥ v ? l[i] : −∞          v: the k-th largest, −0 equal to +0
///
/// So more than k can stay, and a lower id is no advantage.
///
/// - Parameters:
///   - count: k; 0, or as many as there are, removes none.
///   - logits: `[vocabulary]`, none of them NaN; changed in place.
/// - SeeAlso: Fan, Lewis and Dauphin, *Hierarchical Neural Story Generation*, arXiv:1805.04833;
///   ties as in Transformers.
package func keepLargest(_ count: Int, of logits: inout [Float]) {
  guard count > 0, count < logits.count else { return }
  var descending = DescendingLogits(logits)
  var threshold = -Float.infinity
  for _ in 0..<count {
    guard let id = descending.next() else { return }
    threshold = logits[id]
  }
  for index in logits.indices where logits[index] < threshold { logits[index] = -.infinity }
}
