import MeteoRAKernels

extension LlamaModel {
  /// Continues prompts.
  ///
  /// - Parameters:
  ///   - prompts: Token ids; each at least one.
  ///   - options: Limits, blocks, and how tokens are chosen.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Returns: One result a prompt, in order.
  /// - Throws: ``LlamaError`` for a prompt or options that cannot be run, logits with NaN, infinite
  ///   logits if tokens are drawn, or more positions than the machine has memory for.
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
