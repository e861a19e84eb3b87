import MeteoRALlama

extension MeteoRAModel {
  /// The logits of every position of a token sequence.
  ///
  /// - Parameters:
  ///   - tokens: At least one, at most the model's positions.
  ///   - mode: What computes the linear modules; ``defaultMode`` if `nil`.
  /// - Returns: `[tokens.count, vocabularySize]`, row-major.
  /// - Throws: ``MeteoRAError`` for a sequence or mode that cannot be run, and for more logits than
  ///   the machine has memory for.
  public func logits(of tokens: [Int], mode: Mode? = nil) throws(MeteoRAError) -> [Float] {
    let evaluator = try evaluator(for: mode ?? defaultMode)
    do throws(LlamaError) {
      return try base.logits(of: tokens, evaluator: evaluator, parallelism: parallelism)
    } catch {
      throw .llama(error)
    }
  }
  /// The logits after the last token of every sequence of a batch, all run in one pass.
  ///
  /// - Parameters: As ``logits(of:mode:)``, for each sequence; at least one sequence.
  /// - Returns: `[sequences.count, vocabularySize]`, row-major.
  /// - Throws: ``MeteoRAError`` for a sequence or mode that cannot be run.
  package func lastLogits(
    of sequences: [[Int]], mode: Mode? = nil
  ) throws(MeteoRAError) -> [Float] {
    let evaluator = try evaluator(for: mode ?? defaultMode)
    do throws(LlamaError) {
      var inputs: [SequenceInput] = []
      for (index, tokens) in sequences.enumerated() {
        try base.configuration.validate(prompt: tokens, index: index)
        inputs.append(
          SequenceInput(
            id: index, tokens: tokens, state: SequenceState(for: base.configuration)))
      }
      return try base.forward(
        inputs, logits: .last, evaluator: evaluator, parallelism: parallelism)
    } catch {
      throw .llama(error)
    }
  }
}
