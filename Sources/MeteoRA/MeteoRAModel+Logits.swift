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

  /// The logits after the last token of every sequence of a batch, by the passes of a generation.
  ///
  /// - Parameters: As ``logits(of:mode:)``, for each sequence.
  /// - Returns: `[sequences.count, vocabularySize]`, row-major.
  /// - Throws: As ``logits(of:mode:)``.
  package func lastLogits(
    of sequences: [[Int]], mode: Mode? = nil
  ) throws(MeteoRAError) -> [Float] {
    let evaluator = try evaluator(for: mode ?? defaultMode)
    do throws(LlamaError) {
      return try base.lastLogits(of: sequences, evaluator: evaluator, parallelism: parallelism)
    } catch {
      throw .llama(error)
    }
  }
}
