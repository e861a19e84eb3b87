import MeteoRAKernels

/// Continues a batch of prompts, one step at a time.
///
/// Prompts of different lengths need no padding: each sequence has its own state, and its tokens
/// are the same alone and in any batch. Stop whenever you like; ``results`` then tells what there
/// is so far. The keys and values of a sequence are given back when it ends.
///
/// A class, because the states are: a copy of a value would share them and run ahead of its own
/// tokens.
package final class Generation {
  private let model: LlamaModel
  private let evaluator: any LinearGroupEvaluator
  private let options: GenerationOptions
  private let endOfSequence: Set<Int>
  private let observer: (any ForwardObserver)?
  private let parallelism: Parallelism
  private var sequences: [Sequence]
  /// What ended a step before its tokens were chosen: the steps after it would lack their logits.
  private var failure: LlamaError?

  /// New tokens that a sequence's memory is laid out for; more of them are fine.
  private static let expectedNewTokens = 128

  private struct Sequence {
    var tokens: [Int]
    let promptLength: Int
    let limit: Int
    /// `nil` once nothing can ask for it.
    var state: SequenceState?
    var finishReason: FinishReason?

    /// The tokens that the state lacks.
    var pending: Range<Int> { (state?.count ?? tokens.count)..<tokens.count }
  }

  /// - Throws: ``LlamaError`` for a prompt that is empty, longer than the model's positions, or
  ///   holds an id outside the vocabulary, and for more positions than the machine has memory for;
  ///   ``LlamaError/kernel(context:_:)`` for options out of range.
  package init(
    _ prompts: [[Int]], model: LlamaModel, evaluator: any LinearGroupEvaluator,
    options: GenerationOptions,
    observer: (any ForwardObserver)? = nil, parallelism: Parallelism
  ) throws(LlamaError) {
    try options.validate()
    let configuration = model.configuration
    for (index, prompt) in prompts.enumerated() {
      try configuration.validate(prompt: prompt, index: index)
    }
    try model.requireMemory(forPositions: prompts.lazy.map(\.count))
    sequences = prompts.map { prompt in
      let room = min(options.maximumNewTokens, configuration.maximumPositions - prompt.count)
      return Sequence(
        tokens: prompt, promptLength: prompt.count, limit: prompt.count + room,
        state: room > 0 || observer != nil
          ? SequenceState(
            for: configuration, expecting: prompt.count + min(room, Self.expectedNewTokens)) : nil,
        finishReason: room == 0 ? .length : nil)
    }
    self.model = model
    self.evaluator = evaluator
    self.options = options
    self.observer = observer
    self.parallelism = parallelism
    endOfSequence = Set(options.endOfSequence ?? model.specialTokens.endOfSequence)
  }

  /// The next token of every sequence that goes on; empty once all have ended.
  ///
  /// - Parameter shouldStop: Asked before every pass; `true` ends the sequences that go on as
  ///   cancelled, without a token of this step.
  /// - Throws: ``LlamaError/notANumber(prompt:position:id:)`` for logits without a largest one,
  ///   ``LlamaError/infiniteLogit(prompt:position:id:)`` for such as have no probabilities to draw
  ///   by, and for more positions than the machine has memory for. No sequence has a new token
  ///   then, and every later step throws the same.
  package func step(
    shouldStop: () -> Bool = { false }
  ) throws(LlamaError) -> [GeneratedToken] {
    if let failure { throw failure }
    let active = sequences.indices.filter { sequences[$0].finishReason == nil }
    let width = model.configuration.vocabularySize
    var chosen: [Int] = []
    do throws(LlamaError) {
      try requireMemory()
      let isComplete = try runPending(of: active, shouldStop) { batch, logits throws(LlamaError) in
        for (row, index) in batch.enumerated() {
          chosen.append(try choose(logits[row * width..<(row + 1) * width], for: index))
        }
      }
      if !isComplete {
        // The logits of those that have run are gone.
        cancel()
        return []
      }
    } catch {
      failure = error
      throw error
    }
    return zip(active, chosen).map { index, id in append(id, to: index) }
  }

  /// For the positions that all states have once their pending tokens are run.
  private func requireMemory() throws(LlamaError) {
    try model.requireMemory(
      forPositions: sequences.lazy.filter { $0.state != nil }.map(\.tokens.count))
  }

  private func append(_ id: Int, to index: Int) -> GeneratedToken {
    sequences[index].tokens.append(id)
    if endOfSequence.contains(id) {
      sequences[index].finishReason = .endOfSequence
    } else if sequences[index].tokens.count == sequences[index].limit {
      sequences[index].finishReason = .length
    }
    releaseIfEnded(index)
    return GeneratedToken(sequence: index, id: id, finishReason: sequences[index].finishReason)
  }

  /// An observer may still ask for the last token to be run.
  private func releaseIfEnded(_ index: Int) {
    if sequences[index].finishReason != nil, observer == nil { sequences[index].state = nil }
  }

  /// Ends a sequence because of what its text is.
  ///
  /// This outranks another reason that its last token had.
  package func stop(_ index: Int) {
    sequences[index].finishReason = .stopString
    releaseIfEnded(index)
  }

  /// Ends the sequences that go on.
  package func cancel() {
    for index in sequences.indices where sequences[index].finishReason == nil {
      sequences[index].finishReason = .cancelled
      releaseIfEnded(index)
    }
  }

  /// What there is of every prompt; one that has not ended counts as cancelled.
  package var results: [GenerationResult] { sequences.map(result) }

  /// As ``results``, of one prompt; `nil` if there are not so many.
  package func result(of index: Int) -> GenerationResult? {
    sequences.indices.contains(index) ? result(of: sequences[index]) : nil
  }

  private func result(of sequence: Sequence) -> GenerationResult {
    GenerationResult(
      newTokens: Array(sequence.tokens[sequence.promptLength...]),
      finishReason: sequence.finishReason ?? .cancelled)
  }

  /// Bytes that the keys and values of all sequences take.
  package var cacheByteCount: Int { sequences.reduce(0) { $0 + ($1.state?.byteCount ?? 0) } }

  /// Runs the last token of every sequence, which no step needs, so that an observer sees it.
  ///
  /// No step can follow: a sequence that goes on counts as cancelled from here on.
  ///
  /// - Parameter shouldStop: Asked before every pass; `true` leaves out the rest.
  /// - Throws: ``LlamaError`` for more positions than the machine has memory for; none is run then.
  package func runLastTokens(shouldStop: () -> Bool = { false }) throws(LlamaError) {
    cancel()
    defer {
      for index in sequences.indices { sequences[index].state = nil }
    }
    if observer == nil { return }
    try requireMemory()
    let waiting = sequences.indices.filter { !sequences[$0].pending.isEmpty }
    _ = try runPending(of: waiting, shouldStop) { _, _ in }
  }

  private func choose(_ logits: ArraySlice<Float>, for index: Int) throws(LlamaError) -> Int {
    let tokens = sequences[index].tokens
    if let place = logits.firstIndex(where: \.isNaN) {
      throw .notANumber(
        prompt: index, position: tokens.count - 1, id: place - logits.startIndex)
    }
    if options.temperature > 0, let place = logits.firstIndex(where: \.isInfinite) {
      throw .infiniteLogit(
        prompt: index, position: tokens.count - 1, id: place - logits.startIndex)
    }
    return options.choice(
      of: Array(logits), after: tokens, step: tokens.count - sequences[index].promptLength)
  }

  /// Runs what is not in the states yet: whole prompts at first, one token each later.
  ///
  /// - Parameters:
  ///   - shouldStop: Asked before every pass.
  ///   - body: Called with some of the sequences and the logits after the last token of each, in
  ///     order, until every one had its turn.
  /// - Returns: Whether every one had its turn.
  private func runPending(
    of active: [Int], _ shouldStop: () -> Bool,
    _ body: (_ batch: [Int], _ logits: [Float]) throws(LlamaError) -> Void
  ) throws(LlamaError) -> Bool {
    let inputs = active.compactMap { index -> SequenceInput? in
      let sequence = sequences[index]
      return sequence.state.map { state in
        SequenceInput(id: index, tokens: Array(sequence.tokens[sequence.pending]), state: state)
      }
    }
    return try model.forwardInPasses(
      inputs, evaluator: evaluator, observer: observer, parallelism: parallelism,
      shouldStop: shouldStop
    ) { batch, logits throws(LlamaError) in
      try body(batch.map { inputs[$0].id }, logits)
    }
  }
}

extension LlamaConfiguration {
  /// Throws unless `prompt` can be run from the start of a sequence.
  package func validate(prompt: [Int], index: Int) throws(LlamaError) {
    guard !prompt.isEmpty else { throw .emptyPrompt(index: index) }
    guard prompt.count <= maximumPositions else {
      throw .promptTooLong(index: index, count: prompt.count, maximum: maximumPositions)
    }
    for (position, id) in prompt.enumerated() where id < 0 || id >= vocabularySize {
      throw .tokenOutOfRange(id: id, position: position, vocabularySize: vocabularySize)
    }
  }
}
