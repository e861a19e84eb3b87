import MeteoRAKernels

extension LlamaModel {
  /// Continues prompts greedily.
  ///
  /// - Parameters:
  ///   - prompts: Token ids; each at least one.
  ///   - options: Limits and blocks.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Returns: One result a prompt, in order.
  /// - Throws: ``LlamaError`` for a prompt that cannot be run, logits with NaN, or more positions
  ///   than the machine has memory for.
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
