import MeteoRAKernels

/// Sequences that go through the model together, and what they should give.
///
/// Rows are their tokens, sequence after sequence.
package struct TrainingBatch: Sendable {
  /// Token ids; each at least one.
  package var sequences: [[Int]]
  /// Rows whose next token counts, ascending, and its id.
  package var languageLabels: [LabelledRow]
  /// Rows whose next token belongs to an adapter, ascending, and the adapter.
  package var gateLabels: [LabelledRow]
  /// Indices of ``gateLabels`` whose next token belongs to a response, for statistics.
  package var responseGateLabels: Set<Int>

  package init(
    sequences: [[Int]], languageLabels: [LabelledRow], gateLabels: [LabelledRow],
    responseGateLabels: Set<Int> = []
  ) {
    self.responseGateLabels = responseGateLabels
    self.sequences = sequences
    self.languageLabels = languageLabels
    self.gateLabels = gateLabels
  }

  package var rowCount: Int { sequences.reduce(0) { $0 + $1.count } }

  /// The rows of each sequence.
  var ranges: [Range<Int>] {
    var first = 0
    return sequences.map { sequence in
      defer { first += sequence.count }
      return first..<first + sequence.count
    }
  }
}

/// What the losses of a whole optimiser step are divided by.
package struct LossScale: Sendable, Equatable {
  /// N, the labelled rows of the language model.
  package var languageLabels: Int
  /// M, the labelled rows for gates times the gates.
  package var gateLabels: Int
  /// β, the weight of the gate loss.
  package var gateLossWeight: Float

  package init(languageLabels: Int, gateLabels: Int, gateLossWeight: Float) {
    self.languageLabels = languageLabels
    self.gateLabels = gateLabels
    self.gateLossWeight = gateLossWeight
  }

  /// n = 1 / N; 0 without labels.
  var language: Float { languageLabels == 0 ? 0 : 1 / Float(languageLabels) }
  /// b = β · (1 / M); 0 without labels.
  var gate: Float { gateLabels == 0 ? 0 : gateLossWeight * (1 / Float(gateLabels)) }
}

/// The sums of the losses of an optimiser step so far.
package struct LossTotals: Sendable, Equatable {
  /// Over labelled rows of the language model.
  package var language: Float = 0
  /// Over layer, module, labelled row.
  package var gate: Float = 0

  package init() {}

  /// The losses that a step reports.
  package func losses(_ scale: LossScale) -> Losses {
    let language = scale.languageLabels == 0 ? 0 : self.language / Float(scale.languageLabels)
    let gate = scale.gateLabels == 0 ? 0 : self.gate / Float(scale.gateLabels)
    return Losses(language: language, gate: gate, total: language + scale.gateLossWeight * gate)
  }
}

/// Losses per label.
package struct Losses: Sendable, Equatable {
  /// Cross-entropy of the next token.
  package var language: Float
  /// Cross-entropy of the adapter.
  package var gate: Float
  /// `language + β · gate`.
  package var total: Float
}
