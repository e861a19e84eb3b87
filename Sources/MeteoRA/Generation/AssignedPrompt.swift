import MeteoRALlama

/// A prompt whose tokens have their adapters given, instead of chosen by gates.
///
/// The linear modules take the adapter of a token with weight 1 in the token's own row. A row
/// computes what is said behind its token: for a new token to be written by an adapter, the token
/// before it is given that adapter. So are gates trained.
///
/// A model needs no gates for it, and the prompts of a batch may take different adapters. The bits
/// are those of a run with ``MeteoRAModel/Mode/singleAdapter(_:)`` where all tokens have one
/// adapter, and of ``MeteoRAModel/Mode/noAdapters`` where none has.
public struct AssignedPrompt: Sendable, Equatable {
  /// At least one, at most the model's positions.
  public var tokens: [Int]
  /// Of each token the name of its adapter; `nil` for the base alone.
  public var adapters: [String?]

  /// - Parameters:
  ///   - tokens: Token ids.
  ///   - adapters: As many names; `nil` for the base alone.
  public init(tokens: [Int], adapters: [String?]) {
    self.tokens = tokens
    self.adapters = adapters
  }

  /// One adapter for all tokens.
  public init(tokens: [Int], adapter: String?) {
    self.init(tokens: tokens, adapters: tokens.map { _ in adapter })
  }
}

extension MeteoRAModel {
  /// Begins to continue prompts with given adapters.
  ///
  /// A new token has the adapter of the token before it, until
  /// ``MeteoRAGeneration/switchAdapter(of:to:)`` gives it another one.
  ///
  /// ```swift
  /// let generation = try model.generation(of: [AssignedPrompt(tokens: prompt, adapter: "sort")])
  /// while let tokens = try generation.step() {
  ///   if tokens[0].id == lineFeed { try generation.switchAdapter(of: 0, to: "reverse") }
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - prompts: Token ids and their adapters.
  ///   - options: Limits, blocks, and how tokens are chosen.
  ///   - stopStrings: What ends a sequence when its text holds it.
  /// - Throws: ``MeteoRAError`` for a prompt that cannot be run, an adapter that the model does not
  ///   have or that is disabled, or a prompt with more or fewer adapters than tokens.
  public func generation(
    of prompts: [AssignedPrompt], options: GenerationOptions = GenerationOptions(),
    stopStrings: StopStrings? = nil
  ) throws(MeteoRAError) -> MeteoRAGeneration {
    let given = try givenAdapters(of: prompts)
    return try generation(
      of: prompts.map(\.tokens), evaluator: try evaluator(for: given), given: given,
      options: options, stopStrings: stopStrings)
  }

  /// The logits of every position of a token sequence with given adapters.
  ///
  /// - Parameter prompt: The sequence.
  /// - Returns: `[tokens.count, vocabularySize]`, row-major.
  /// - Throws: As ``logits(of:mode:)`` and ``generation(of:options:stopStrings:)``.
  public func logits(of prompt: AssignedPrompt) throws(MeteoRAError) -> [Float] {
    let evaluator = try evaluator(for: givenAdapters(of: [prompt]))
    do throws(LlamaError) {
      return try base.logits(of: prompt.tokens, evaluator: evaluator, parallelism: parallelism)
    } catch {
      throw .llama(error)
    }
  }

  private func givenAdapters(
    of prompts: [AssignedPrompt]
  ) throws(MeteoRAError) -> GivenAdapters {
    var indices: [[Int?]] = []
    for (index, prompt) in prompts.enumerated() {
      guard prompt.adapters.count == prompt.tokens.count else {
        throw .givenAdapterCount(
          prompt: index, adapters: prompt.adapters.count, tokens: prompt.tokens.count)
      }
      var sequence: [Int?] = []
      for name in prompt.adapters { sequence.append(try givenAdapter(named: name)) }
      indices.append(sequence)
    }
    return GivenAdapters(indices, adapterCount: adapterNames.count)
  }

  /// The index of an adapter that a token is given; `nil` for the base alone.
  func givenAdapter(named name: String?) throws(MeteoRAError) -> Int? {
    guard let name else { return nil }
    return try enabledAdapter(named: name)
  }

  private func evaluator(
    for given: GivenAdapters
  ) throws(MeteoRAError) -> GivenAdapterEvaluator {
    GivenAdapterEvaluator(
      banks: try adapterSet.banks(base: base.configuration), choice: .perToken(given),
      kernel: kernel)
  }
}
