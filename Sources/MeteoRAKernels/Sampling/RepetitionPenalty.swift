/// Makes ids less likely that a text holds already; more likely, if the penalty is below 1.
///
///     l[i] < 0:   l[i] · penalty        else:   l[i] / penalty
///
/// once for every distinct i of `ids`, however often it stands there. One rounding each; without
/// NaN among the logits there is none afterwards.
///
/// - Parameters:
///   - ids: Prompt and generated ids, each below the number of logits.
///   - penalty: Finite and above 0; 1 changes nothing.
///   - logits: `[vocabulary]`, changed in place.
/// - SeeAlso: Keskar et al., *CTRL*, arXiv:1909.05858, section 4.1; the sign rule is Transformers'.
package func penalizeRepetition(of ids: [Int], by penalty: Float, in logits: inout [Float]) {
  if penalty == 1 { return }
  var isDone = [Bool](repeating: false, count: logits.count)
  for id in ids where !isDone[id] {
    isDone[id] = true
    logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty
  }
}
