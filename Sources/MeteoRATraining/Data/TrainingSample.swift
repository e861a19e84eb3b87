/// A sample as token ids.
package struct TrainingSample: Sendable, Equatable {
  /// Consecutive tokens that belong to one adapter.
  package struct GateRun: Sendable, Equatable {
    package var tokens: Range<Int>
    package var adapter: Int

    package init(tokens: Range<Int>, adapter: Int) {
      self.tokens = tokens
      self.adapter = adapter
    }
  }

  /// At least two, BOS and EOS among them.
  package var ids: [Int32]
  /// How many of `ids` are BOS and the prompt.
  package var promptCount: Int
  /// The tokens whose adapter is known, ascending.
  package var gateRuns: [GateRun]
  /// The number of tokens before the sample was cut.
  package var fullCount: Int

  package init(ids: [Int32], promptCount: Int, gateRuns: [GateRun], fullCount: Int) {
    self.ids = ids
    self.promptCount = promptCount
    self.gateRuns = gateRuns
    self.fullCount = fullCount
  }

  /// Whether tokens at the end are left out, because the sample was too long.
  package var isCut: Bool { fullCount > ids.count }
}
