import MeteoRA

/// Answers some prompts together.
struct AnswerBatch {
  let model: MeteoRAModel
  let tokenizer: Tokenizer
  let mode: EvaluationMode
  let maximumNewTokens: Int

  /// What a model wrote.
  struct Answer {
    var text: String
    var finishReason: FinishReason
  }

  /// The answers in the order of the prompts.
  ///
  /// - Parameters:
  ///   - prompts: With labels, if labels choose the adapters.
  ///   - shouldStop: Asked before every forward pass.
  func answers(
    to prompts: [EvaluationPrompt], shouldStop: () -> Bool
  ) throws(EvaluationError) -> [Answer] {
    var texts = prompts.map { prompt in
      AnswerText(
        decoder: ContinuedText(after: prompt.tokens, tokenizer: tokenizer),
        labels: prompt.answerLabels)
    }
    let results: [GenerationResult]
    do throws(MeteoRAError) {
      let generation = try generation(of: prompts)
      while let tokens = try generation.step(shouldStop: shouldStop) {
        for token in tokens {
          texts[token.sequence].append(token.id)
          if let labels = texts[token.sequence].labels {
            try generation.switchAdapter(of: token.sequence, to: name(of: labels.next))
          }
        }
      }
      results = generation.results
    } catch {
      throw .model(error)
    }
    if results.contains(where: { $0.finishReason == .cancelled }) { throw .cancelled }
    return zip(texts, results).map { text, result in
      var text = text
      return Answer(text: text.finish(), finishReason: result.finishReason)
    }
  }

  private func name(of adapter: Int?) -> String? { adapter.map { model.adapterNames[$0] } }

  private func generation(
    of prompts: [EvaluationPrompt]
  ) throws(MeteoRAError) -> MeteoRAGeneration {
    var options = GenerationOptions()
    options.maximumNewTokens = maximumNewTokens
    switch mode {
    case .model(let mode):
      return try model.generation(of: prompts.map(\.tokens), mode: mode, options: options)
    case .labels:
      let assigned = prompts.map { prompt in
        AssignedPrompt(tokens: prompt.tokens, adapters: (prompt.labels ?? []).map(name))
      }
      return try model.generation(of: assigned, options: options)
    }
  }
}

/// An answer while it is being written.
private struct AnswerText {
  var decoder: ContinuedText
  /// `nil` where gates choose.
  var labels: AnswerLabels?
  private var text = ""

  init(decoder: ContinuedText, labels: AnswerLabels?) {
    self.decoder = decoder
    self.labels = labels
  }

  mutating func append(_ id: Int) {
    let piece = decoder.append(id)
    text += piece
    labels?.append(piece)
  }

  /// The whole text.
  mutating func finish() -> String { text + decoder.finish() }
}
