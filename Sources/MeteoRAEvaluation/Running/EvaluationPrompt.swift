import MeteoRA
import MeteoRATraining

/// A prompt of a test set as token ids, and to whom they belong if labels choose.
struct EvaluationPrompt {
  var tokens: [Int]
  /// Of each token the label of the next one, whose row it is; `nil` where gates choose.
  var labels: [Int?]?
  /// The labels of the answer.
  var answerLabels: AnswerLabels?
}

extension EvaluationPrompt {
  /// - Parameters:
  ///   - sample: A sample of `set`.
  ///   - isLabelled: Whether labels choose the adapters; the set has to know their names then.
  init(
    _ sample: SampleText, of set: TestSet, isLabelled: Bool, encoder: SampleEncoder, positions: Int
  ) throws(EvaluationError) {
    let adapters = set.adapters ?? []
    let own = adapters.firstIndex { $0.utf8.elementsEqual(set.task.utf8) }
    if isLabelled, own == nil, !sample.hasSpans {
      throw .noAdapter(file: set.file, line: sample.line, task: set.task, known: adapters)
    }
    let encoded: TrainingSample
    do throws(TrainingDataError) {
      encoded = try encoder.encode(sample, adapter: own, file: set.file)
    } catch {
      throw .samples(error)
    }
    tokens = encoded.ids.prefix(encoded.promptCount).map(Int.init)
    guard !tokens.isEmpty else { throw .emptyPrompt(file: set.file, line: sample.line) }
    guard tokens.count < positions else {
      throw .promptTooLong(
        file: set.file, line: sample.line, tokens: tokens.count, positions: positions)
    }
    guard isLabelled else { return }
    let answerLabels = AnswerLabels(of: sample, adapter: own)
    var owners = [Int?](repeating: nil, count: encoded.ids.count)
    for run in encoded.gateRuns {
      for token in run.tokens { owners[token] = run.adapter }
    }
    labels = tokens.indices.map { $0 + 1 < tokens.count ? owners[$0 + 1] : answerLabels.next }
    self.answerLabels = answerLabels
  }
}
