import MeteoRAKernels

extension LlamaModel {
  /// The logits of every position of a token sequence.
  ///
  /// - Parameters:
  ///   - tokens: At least one, at most ``LlamaConfiguration/maximumPositions``.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Returns: `[tokens.count, vocabularySize]`, row-major.
  /// - Throws: ``LlamaError`` for a sequence that is empty, too long, or holds an id outside the
  ///   vocabulary.
  public func logits(
    of tokens: [Int], parallelism: Parallelism = .serial
  ) throws(LlamaError) -> [Float] {
    try configuration.validate(prompt: tokens, index: 0)
    return try forward(
      [SequenceInput(tokens: tokens, state: SequenceState(for: configuration))], logits: .all,
      evaluator: PlainEvaluator(), parallelism: parallelism)
  }

  /// Continues prompts greedily.
  ///
  /// - Parameters:
  ///   - prompts: Token ids; each at least one.
  ///   - options: Limits and blocks.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Returns: One result a prompt, in order.
  /// - Throws: ``LlamaError`` for a prompt that cannot be run.
  public func generate(
    _ prompts: [[Int]], options: GenerationOptions = GenerationOptions(),
    parallelism: Parallelism = .serial
  ) throws(LlamaError) -> [GenerationResult] {
    let generation = try Generation(
      prompts, model: self, evaluator: PlainEvaluator(), options: options,
      parallelism: parallelism)
    while try !generation.step().isEmpty {}
    return generation.results
  }
}
