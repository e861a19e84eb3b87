import MeteoRAKernels

extension LlamaModel {
  /// Runs new tokens of several sequences in passes of at most ``rowsAtATime`` rows, so that
  /// neither a long sequence nor a large batch needs memory for all of its activations at once.
  ///
  /// A sequence longer than a pass gives its first tokens passes of their own; the rests go
  /// together, in order, as many as a pass takes.
  ///
  /// - Parameters:
  ///   - inputs: Each with at least one token.
  ///   - shouldStop: Asked before every pass; `true` leaves out that pass and all after it.
  ///   - body: Called after a pass with the places of some inputs and the logits after the last
  ///     token of each, `[batch.count, vocabularySize]`, in order, until every input had its turn:
  ///     the logits of all need not fit in memory.
  /// - Returns: Whether every input had its turn.
  /// - Throws: As ``forward(_:logits:evaluator:observer:parallelism:)``, and what `body` throws.
  @discardableResult
  func forwardInPasses(
    _ inputs: [SequenceInput], evaluator: any LinearGroupEvaluator,
    observer: (any ForwardObserver)? = nil, parallelism: Parallelism,
    shouldStop: () -> Bool = { false },
    _ body: (_ batch: Range<Int>, _ logits: [Float]) throws(LlamaError) -> Void
  ) throws(LlamaError) -> Bool {
    func run(_ inputs: [SequenceInput]) throws(LlamaError) -> [Float] {
      try forward(
        inputs, logits: .last, evaluator: evaluator, observer: observer, parallelism: parallelism)
    }
    let limit = rowsAtATime
    var rests = inputs
    for (index, input) in inputs.enumerated() {
      var first = 0
      while input.tokens.count - first > limit {
        if shouldStop() { return false }
        rests[index].tokens = Array(input.tokens[first..<first + limit])
        _ = try run([rests[index]])
        first += limit
      }
      if first > 0 { rests[index].tokens = Array(input.tokens[first...]) }
    }
    var batch = 0..<0
    var rows = 0
    for (index, rest) in rests.enumerated() {
      if rows > 0, rows + rest.tokens.count > limit {
        if shouldStop() { return false }
        try body(batch, try run(Array(rests[batch])))
        (batch, rows) = (index..<index, 0)
      }
      batch = batch.lowerBound..<index + 1
      rows += rest.tokens.count
    }
    if batch.isEmpty { return true }
    if shouldStop() { return false }
    try body(batch, try run(Array(rests[batch])))
    return true
  }
}
