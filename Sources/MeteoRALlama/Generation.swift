import MeteoRAKernels

/// Continues a batch of prompts, one step at a time.
///
/// Prompts of different lengths need no padding: each sequence has its own state, and its tokens
/// are the same alone and in any batch. Stop whenever you like; ``results`` then tells what there
/// is so far.
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

  private struct Sequence {
    var tokens: [Int]
    var promptLength: Int
    var state: SequenceState
    var limit: Int
    var finishReason: FinishReason?
  }

  /// Rows of a forward pass at most, so that a long prompt does not need memory for all of its
  /// activations at once.
  private static var rowsAtATime: Int { 512 }

  /// - Throws: ``LlamaError`` for a prompt that is empty, longer than the model's positions, or
  ///   holds an id outside the vocabulary; ``LlamaError/kernel(context:_:)`` for options out of range.
  package init(
    _ prompts: [[Int]], model: LlamaModel, evaluator: any LinearGroupEvaluator,
    options: GenerationOptions,
    observer: (any ForwardObserver)? = nil, parallelism: Parallelism
  ) throws(LlamaError) {
    try options.validate()
    let configuration = model.configuration
    var sequences: [Sequence] = []
    for (index, prompt) in prompts.enumerated() {
      try configuration.validate(prompt: prompt, index: index)
      let room = min(options.maximumNewTokens, configuration.maximumPositions - prompt.count)
      sequences.append(
        Sequence(
          tokens: prompt, promptLength: prompt.count, state: SequenceState(for: configuration),
          limit: prompt.count + room, finishReason: room == 0 ? .length : nil))
    }
    self.model = model
    self.evaluator = evaluator
    self.options = options
    self.observer = observer
    self.parallelism = parallelism
    self.sequences = sequences
    endOfSequence = Set(options.endOfSequence ?? model.specialTokens.endOfSequence)
  }

  /// The next token of every sequence that goes on; empty once all have ended.
  package func step() throws(LlamaError) -> [GeneratedToken] {
    let active = sequences.indices.filter { sequences[$0].finishReason == nil }
    let width = model.configuration.vocabularySize
    var generated: [GeneratedToken] = []
    try runPending(of: active) { batch, logits in
      for (row, index) in batch.enumerated() {
        let logits = logits[row * width..<(row + 1) * width]
        generated.append(append(choose(logits, after: sequences[index].tokens), to: index))
      }
    }
    return generated
  }

  private func append(_ id: Int, to index: Int) -> GeneratedToken {
    sequences[index].tokens.append(id)
    if endOfSequence.contains(id) {
      sequences[index].finishReason = .endOfSequence
    } else if sequences[index].tokens.count == sequences[index].limit {
      sequences[index].finishReason = .length
    }
    return GeneratedToken(sequence: index, id: id, finishReason: sequences[index].finishReason)
  }

  /// What there is of every prompt; one that has not ended counts as cancelled.
  package var results: [GenerationResult] {
    sequences.map { sequence in
      GenerationResult(
        newTokens: Array(sequence.tokens[sequence.promptLength...]),
        finishReason: sequence.finishReason ?? .cancelled)
    }
  }

  /// Runs the last token of every sequence, which no step needs, so that an observer sees it.
  ///
  /// No step can follow: a sequence that goes on counts as cancelled from here on.
  package func runLastTokens() throws(LlamaError) {
    for index in sequences.indices where sequences[index].finishReason == nil {
      sequences[index].finishReason = .cancelled
    }
    let pending = sequences.indices.filter { index in
      sequences[index].state.count < sequences[index].tokens.count
    }
    try runPending(of: pending) { _, _ in }
  }

  private func choose(_ logits: ArraySlice<Float>, after tokens: [Int]) -> Int {
    let blocked = blockedTokens(after: tokens, ngramSize: options.noRepeatNgramSize)
    if blocked.isEmpty { return greedyChoice(logits) }
    var allowed = Array(logits)
    for id in blocked { allowed[id] = -.infinity }
    return greedyChoice(allowed)
  }

  /// Runs what is not in the states yet: whole prompts at first, one token each later.
  ///
  /// - Parameter body: Called with some of the sequences and the logits after the last token of
  ///   each, in order, until every one had its turn: the logits of all need not fit in memory.
  private func runPending(
    of active: [Int], _ body: (_ batch: [Int], _ logits: [Float]) -> Void
  ) throws(LlamaError) {
    for index in active {
      let sequence = sequences[index]
      while sequence.tokens.count - sequence.state.count > Self.rowsAtATime {
        let first = sequence.state.count
        _ = try forward([index], tokens: first..<first + Self.rowsAtATime)
      }
    }
    var batch: [Int] = []
    var rows = 0
    for index in active {
      let pending = sequences[index].tokens.count - sequences[index].state.count
      if rows > 0, rows + pending > Self.rowsAtATime {
        body(batch, try forward(batch))
        (batch, rows) = ([], 0)
      }
      batch.append(index)
      rows += pending
    }
    if !batch.isEmpty { body(batch, try forward(batch)) }
  }

  /// - Parameter tokens: The tokens to run of every sequence; all that are pending by default.
  private func forward(_ batch: [Int], tokens: Range<Int>? = nil) throws(LlamaError) -> [Float] {
    let inputs = batch.map { index in
      let sequence = sequences[index]
      let range = tokens ?? sequence.state.count..<sequence.tokens.count
      return SequenceInput(
        id: index, tokens: Array(sequence.tokens[range]), state: sequence.state)
    }
    return try model.forward(
      inputs, logits: .last, evaluator: evaluator, observer: observer, parallelism: parallelism)
  }
}

extension GenerationOptions {
  fileprivate func validate() throws(LlamaError) {
    for (name, value) in [
      ("max_new_tokens", maximumNewTokens), ("no_repeat_ngram_size", noRepeatNgramSize),
    ] where value < 0 {
      throw .kernel(
        context: "generation",
        .outOfRange(argument: name, actual: "\(value)", allowed: "not negative"))
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
