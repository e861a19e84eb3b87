import MeteoRAKernels

// How the next token of a sequence is chosen, each step a file of its own:
//
//   repetition penalty ─▶ n-gram block ─┬─ temperature 0 ─▶ the largest, of equal ones the lowest id
//                                       └─▶ / temperature ─▶ top-k ─▶ top-p ─▶ softmax ─▶ inverse CDF

extension GenerationOptions {
  /// The next token of a sequence.
  ///
  /// - Parameters:
  ///   - logits: `[vocabulary]`, at least one, none of them NaN.
  ///   - tokens: Prompt and new tokens so far.
  ///   - step: The number of new tokens so far.
  package func choice(of logits: [Float], after tokens: [Int], step: Int) -> Int {
    let logits = penalized(logits, after: tokens)
    if temperature == 0 { return greedyChoice(logits) }
    return inverseCDF(
      of: probabilities(ofPenalized: logits),
      at: uniformNumber(seed: seed, step: UInt64(clamping: step)))
  }

  /// The logits after repetition penalty and n-gram block.
  package func penalized(_ logits: [Float], after tokens: [Int]) -> [Float] {
    var logits = Array(logits)
    penalizeRepetition(of: tokens, by: repetitionPenalty, in: &logits)
    for id in blockedTokens(after: tokens, ngramSize: noRepeatNgramSize) {
      logits[id] = -.infinity
    }
    return logits
  }

  /// The probability of every token, for a temperature above 0.
  package func probabilities(ofPenalized logits: [Float]) -> [Float] {
    var row = logits
    divide(&row, byTemperature: temperature)
    keepLargest(topK, of: &row)
    keepNucleus(of: topP, in: &row)
    softmax(row: &row)
    return row
  }
}

/// The index of the largest logit, of equal ones the lowest.
///
/// - Parameter logits: At least one, and none of them NaN.
func greedyChoice(_ logits: some RandomAccessCollection<Float>) -> Int {
  var best = 0
  var largest = -Float.infinity
  for (index, logit) in logits.enumerated() {
    if logit > largest {
      best = index
      largest = logit
    }
  }
  return best
}
