import MeteoRALlama

extension MeteoRAModel {
  /// Begins to continue prompts.
  ///
  /// - Parameters:
  ///   - prompts: Token ids; each at least one, at most the model's positions.
  ///   - mode: What computes the linear modules; ``defaultMode`` if `nil`.
  ///   - options: Limits, blocks, and how tokens are chosen.
  ///   - stopStrings: What ends a sequence when its text holds it.
  ///   - recordsRouting: Keep every token's routing; only a mode that routes has one.
  /// - Throws: ``MeteoRAError`` for a prompt or mode that cannot be run;
  ///   ``MeteoRAError/notRouted(model:)`` if there is no routing to record.
  public func generation(
    of prompts: [[Int]], mode: Mode? = nil, options: GenerationOptions = GenerationOptions(),
    stopStrings: StopStrings? = nil, recordsRouting: Bool = false
  ) throws(MeteoRAError) -> MeteoRAGeneration {
    let mode = mode ?? defaultMode
    let evaluator = try evaluator(for: mode)
    var recorder: TokenRoutingRecorder?
    if recordsRouting {
      guard let selection = mode.selection else { throw .notRouted(model: files.base.path) }
      let routed = try routedEvaluator(among: selection)
      recorder = TokenRoutingRecorder(
        adapterCount: routed.adapterCount, moduleCount: routed.moduleCount)
    }
    return try generation(
      of: prompts, evaluator: evaluator, recorder: recorder, options: options,
      stopStrings: stopStrings)
  }

  /// - Parameter given: What `evaluator` takes the adapters of tokens from, if they are given.
  func generation(
    of prompts: [[Int]], evaluator: any LinearGroupEvaluator,
    recorder: TokenRoutingRecorder? = nil, given: GivenAdapters? = nil,
    options: GenerationOptions, stopStrings: StopStrings?
  ) throws(MeteoRAError) -> MeteoRAGeneration {
    do throws(LlamaError) {
      return MeteoRAGeneration(
        generation: try Generation(
          prompts, model: base, evaluator: evaluator, options: options, observer: recorder,
          parallelism: parallelism),
        model: self, recorder: recorder, given: given,
        texts: stopStrings.map { strings in
          prompts.map { ContinuedText(after: $0, stopStrings: strings) }
        } ?? [])
    } catch {
      throw .llama(error)
    }
  }

  /// Continues prompts to their end.
  ///
  /// - Parameters:
  ///   - prompts: Token ids; each at least one, at most the model's positions.
  ///   - mode: What computes the linear modules; ``defaultMode`` if `nil`.
  ///   - options: Limits, blocks, and how tokens are chosen.
  ///   - stopStrings: What ends a sequence when its text holds it.
  ///   - onToken: Called with every new token; return `false` to stop after those of this step,
  ///     which ends the sequences that go on as cancelled.
  /// - Returns: One result a prompt, in order.
  /// - Throws: ``MeteoRAError`` for a prompt or mode that cannot be run, and as
  ///   ``MeteoRAGeneration/step()``.
  public func generate(
    _ prompts: [[Int]], mode: Mode? = nil, options: GenerationOptions = GenerationOptions(),
    stopStrings: StopStrings? = nil, onToken: (GeneratedToken) -> Bool = { _ in true }
  ) throws(MeteoRAError) -> [GenerationResult] {
    let generation = try generation(
      of: prompts, mode: mode, options: options, stopStrings: stopStrings)
    var goesOn = true
    while goesOn, let tokens = try generation.step() {
      // Every token of the results has been reported, also one beside the token that stopped.
      for token in tokens { goesOn = onToken(token) && goesOn }
    }
    return generation.results
  }

  /// Continues prompts as a sequence of tokens for `for try await`.
  ///
  /// Cancelling the task ends it after the forward pass under way, also inside a long prompt.
  ///
  /// - Parameters:
  ///   - prompts: Token ids; each at least one, at most the model's positions.
  ///   - mode: What computes the linear modules; ``defaultMode`` if `nil`.
  ///   - options: Limits, blocks, and how tokens are chosen.
  ///   - stopStrings: What ends a sequence when its text holds it.
  public func tokens(
    continuing prompts: [[Int]], mode: Mode? = nil,
    options: GenerationOptions = GenerationOptions(), stopStrings: StopStrings? = nil
  ) -> TokenSequence {
    TokenSequence(
      model: self, prompts: prompts, mode: mode, options: options, stopStrings: stopStrings)
  }
}

/// New tokens of a batch of prompts, made as they are asked for.
public struct TokenSequence: AsyncSequence, Sendable {
  let model: MeteoRAModel
  let prompts: [[Int]]
  let mode: MeteoRAModel.Mode?
  let options: GenerationOptions
  let stopStrings: StopStrings?

  /// Begins to generate; every iterator does so anew.
  public func makeAsyncIterator() -> Iterator {
    Iterator(source: self)
  }

  /// Runs the model for each step inside ``next()``.
  public struct Iterator: AsyncIteratorProtocol {
    private enum Phase {
      case ready(TokenSequence)
      case running(MeteoRAGeneration, waiting: ArraySlice<GeneratedToken>)
      case ended
    }

    private var phase: Phase

    init(source: TokenSequence) {
      phase = .ready(source)
    }

    /// The next token; `nil` once all sequences have ended, the task is cancelled, or after an
    /// error.
    ///
    /// - Throws: ``MeteoRAError``.
    public mutating func next() async throws(MeteoRAError) -> GeneratedToken? {
      let current = phase
      // Stays so if anything below throws.
      phase = .ended
      if Task.isCancelled { return nil }
      let generation: MeteoRAGeneration
      var waiting: ArraySlice<GeneratedToken> = []
      switch current {
      case .ended: return nil
      case .running(let running, let tokens): (generation, waiting) = (running, tokens)
      case .ready(let source):
        generation = try source.model.generation(
          of: source.prompts, mode: source.mode, options: source.options,
          stopStrings: source.stopStrings)
      }
      if waiting.isEmpty {
        waiting = try generation.step(shouldStop: { Task.isCancelled })?[...] ?? []
      }
      guard let token = waiting.popFirst() else { return nil }
      phase = .running(generation, waiting: waiting)
      return token
    }
  }
}
