import MeteoRAKernels

/// The tokens whose prediction counts in the loss of the language model.
package enum LanguageLossTokens: Sendable, Equatable {
  /// Those of prompts and of responses.
  case all
  /// Those of responses, the EOS behind them too.
  case responses
}

extension TrainingBatch {
  /// The samples as sequences one after the other.
  ///
  /// The row of a token is labelled with what follows it: row `first + t` with `ids[t + 1]`, and
  /// with the adapter of token `t + 1` if it is known. The last token of a sequence has no labels.
  ///
  /// - Parameter lossTokens: Whose labels of the language model count. Those of gates always do.
  package init(_ samples: some Collection<TrainingSample>, lossTokens: LanguageLossTokens) {
    self.init(sequences: [], languageLabels: [], gateLabels: [])
    sequences.reserveCapacity(samples.count)
    var first = 0
    for sample in samples {
      sequences.append(sample.ids.map(Int.init))
      let start = lossTokens == .all ? 1 : max(1, sample.promptCount)
      for token in sample.ids.indices.dropFirst(start) {
        languageLabels.append(LabelledRow(row: first + token - 1, label: Int(sample.ids[token])))
      }
      for run in sample.gateRuns {
        for token in run.tokens where token > 0 {
          if token >= sample.promptCount { responseGateLabels.insert(gateLabels.count) }
          gateLabels.append(LabelledRow(row: first + token - 1, label: run.adapter))
        }
      }
      first += sample.ids.count
    }
  }
}
