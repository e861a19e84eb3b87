import MeteoRALlama

/// A batch of prompts that is being continued, one step at a time.
///
/// Stop after any step, or inside of one; ``results`` tells what there is. It belongs to one task
/// at a time.
///
/// ```swift
/// let generation = try model.generation(of: [prompt])
/// while let tokens = try generation.step() { … }
/// ```
public final class MeteoRAGeneration {
  private let generation: Generation
  private let model: MeteoRAModel
  private let recorder: TokenRoutingRecorder?
  /// The adapters of the tokens, if gates do not choose them.
  private let given: GivenAdapters?
  /// The text of every sequence, if something in it can end the sequence.
  private var texts: [ContinuedText]

  init(
    generation: Generation, model: MeteoRAModel, recorder: TokenRoutingRecorder?,
    given: GivenAdapters?, texts: [ContinuedText]
  ) {
    self.generation = generation
    self.model = model
    self.recorder = recorder
    self.given = given
    self.texts = texts
  }

  /// The next token of every sequence that goes on; `nil` once all have ended.
  ///
  /// - Parameter shouldStop: Asked before every forward pass; a step takes several while it runs
  ///   long prompts. `true` ends the sequences that go on as cancelled, without a token of this
  ///   step.
  /// - Throws: ``MeteoRAError`` if logits hold NaN, so that there is no largest one, or an
  ///   infinity, so that none can be drawn, or if more positions have to be kept than the machine
  ///   has memory for. No sequence has a new token then, and every later step throws the same.
  public func step(
    shouldStop: () -> Bool = { false }
  ) throws(MeteoRAError) -> [GeneratedToken]? {
    do throws(LlamaError) {
      let tokens = try generation.step(shouldStop: shouldStop)
      if let given { for token in tokens { given.appendToken(to: token.sequence) } }
      return tokens.isEmpty ? nil : tokens.map(watched)
    } catch {
      throw .llama(error)
    }
  }

  /// The token, and its sequence ended if it completes a stop string.
  private func watched(_ token: GeneratedToken) -> GeneratedToken {
    guard texts.indices.contains(token.sequence) else { return token }
    _ = texts[token.sequence].append(token.id)
    if token.finishReason != nil { _ = texts[token.sequence].finish() }
    guard texts[token.sequence].isStopped else { return token }
    generation.stop(token.sequence)
    var last = token
    last.finishReason = .stopString
    return last
  }

  /// Gives the newest token of a sequence another adapter than the token before it has; tokens
  /// behind it follow.
  ///
  /// What a step returned was not run yet, so the adapter writes the next token. The last token of
  /// a prompt can be given another one so, too, before the first step.
  ///
  /// - Parameters:
  ///   - sequence: Index of a prompt.
  ///   - name: `nil` for the base alone.
  /// - Throws: ``MeteoRAError`` for a generation that did not begin with adapters that were given,
  ///   an adapter that the model does not have or that is disabled, and a sequence that is not there.
  public func switchAdapter(of sequence: Int, to name: String?) throws(MeteoRAError) {
    guard let given else { throw .adaptersNotGiven }
    guard (0..<given.sequenceCount).contains(sequence) else {
      throw .kernel(
        context: "generation",
        .outOfRange(
          argument: "the sequence", actual: "\(sequence)",
          allowed: "0..<\(given.sequenceCount) (the prompts)"))
    }
    given.replaceLast(of: sequence, by: try model.givenAdapter(named: name))
  }

  /// What there is of every prompt; one that has not ended counts as cancelled.
  public var results: [GenerationResult] { generation.results }

  /// As ``results``, of one prompt; `nil` if there are not so many.
  public func result(of sequence: Int) -> GenerationResult? { generation.result(of: sequence) }

  /// Bytes that the keys and values of all sequences take now. Those of a sequence are given back
  /// when it ends, with recorded routing when ``runLastTokens(shouldStop:)`` has run.
  public var cacheByteCount: Int { generation.cacheByteCount }

  /// The routing of the tokens of a sequence that were run so far: prompt and new tokens, all but
  /// the last one until ``runLastTokens(shouldStop:)``. Empty unless routing is recorded.
  ///
  /// - Parameters:
  ///   - sequence: Index of a prompt.
  ///   - first: The first position that is wanted, so that what comes with every step costs no more
  ///     than it is.
  public func routing(of sequence: Int, from first: Int = 0) -> [TokenRouting] {
    recorder?.tokens(of: sequence, from: first) ?? []
  }

  /// The choices of every routed module, in the order in which they run, for the tokens of
  /// ``routing(of:from:)``. Empty unless routing is recorded.
  public func moduleRouting(of sequence: Int) -> [ModuleRouting] {
    recorder?.modules(of: sequence) ?? []
  }

  /// Runs the last new token of every sequence, which the choice of tokens does not need, so that
  /// ``routing(of:from:)`` and ``moduleRouting(of:)`` hold it too.
  ///
  /// This ends the generation: a sequence that went on counts as cancelled.
  ///
  /// - Parameter shouldStop: Asked before every forward pass; `true` leaves out the rest, whose
  ///   routing stays unknown. Prompts of which no token was asked for may take several.
  /// - Throws: ``MeteoRAError``.
  public func runLastTokens(shouldStop: () -> Bool = { false }) throws(MeteoRAError) {
    do throws(LlamaError) {
      try generation.runLastTokens(shouldStop: shouldStop)
    } catch {
      throw .llama(error)
    }
  }
}
