import MeteoRAKernels

extension LlamaModel {
  /// The logits of every position of a token sequence.
  ///
  /// - Parameters:
  ///   - tokens: At least one, at most ``LlamaConfiguration/maximumPositions``.
  ///   - parallelism: Threads; no influence on any bit.
  /// - Returns: `[tokens.count, vocabularySize]`, row-major.
  /// - Throws: ``LlamaError`` for a sequence that is empty, too long, or holds an id outside the
  ///   vocabulary, and for more logits than the machine has memory for.
  public func logits(
    of tokens: [Int], parallelism: Parallelism = .serial
  ) throws(LlamaError) -> [Float] {
    try logits(of: tokens, evaluator: PlainEvaluator(), parallelism: parallelism)
  }

  /// As ``logits(of:parallelism:)``, with any evaluator.
  package func logits(
    of tokens: [Int], evaluator: any LinearGroupEvaluator, parallelism: Parallelism
  ) throws(LlamaError) -> [Float] {
    try configuration.validate(prompt: tokens, index: 0)
    var demand = MemoryDemand()
    demand.add(
      tokens.count, times: configuration.vocabularySize * MemoryLayout<Float>.size)
    addCaches(ofPositions: [tokens.count], to: &demand)
    try demand.require(for: "the logits of all \(tokens.count) positions")
    let state = SequenceState(for: configuration, expecting: tokens.count)
    var logits: [Float] = []
    logits.reserveCapacity(tokens.count * configuration.vocabularySize)
    for first in stride(from: 0, to: tokens.count, by: rowsAtATime) {
      let part = Array(tokens[first..<min(first + rowsAtATime, tokens.count)])
      logits += try forward(
        [SequenceInput(tokens: part, state: state)], logits: .all, evaluator: evaluator,
        parallelism: parallelism)
    }
    return logits
  }

  /// The logits after the last token of every sequence, run in the passes of a generation.
  ///
  /// - Parameters: As ``logits(of:evaluator:parallelism:)``, for each sequence.
  /// - Returns: `[sequences.count, vocabularySize]`, row-major.
  /// - Throws: As ``logits(of:evaluator:parallelism:)``.
  package func lastLogits(
    of sequences: [[Int]], evaluator: any LinearGroupEvaluator, parallelism: Parallelism
  ) throws(LlamaError) -> [Float] {
    for (index, tokens) in sequences.enumerated() {
      try configuration.validate(prompt: tokens, index: index)
    }
    var demand = MemoryDemand()
    demand.add(
      sequences.count, times: configuration.vocabularySize * MemoryLayout<Float>.size)
    addCaches(ofPositions: sequences.lazy.map(\.count), to: &demand)
    try demand.require(for: "the logits after \(sequences.count) sequences")
    let inputs = sequences.enumerated().map { index, tokens in
      SequenceInput(
        id: index, tokens: tokens,
        state: SequenceState(for: configuration, expecting: tokens.count))
    }
    var logits: [Float] = []
    logits.reserveCapacity(sequences.count * configuration.vocabularySize)
    try forwardInPasses(
      inputs, evaluator: evaluator, parallelism: parallelism
    ) { _, part throws(LlamaError) in
      logits += part
    }
    return logits
  }
}
