/// How far training has come.
///
/// Nothing else has to be kept of its random numbers: they are functions of seeds, which are
/// settings, of the step and of the samples.
package struct TrainingProgress: Sendable, Equatable {
  /// The evaluation on held-out data with the lowest loss.
  package struct Evaluation: Sendable, Equatable {
    /// Steps made before it.
    package var step: Int
    /// Finite.
    package var loss: Double

    package init(step: Int, loss: Double) {
      self.step = step
      self.loss = loss
    }
  }

  /// Steps of the optimiser that were made.
  package var step: Int
  /// Samples that were taken: the position in the order of the data.
  package var samples: Int
  /// `nil` before the first one.
  package var best: Evaluation?

  package init(step: Int = 0, samples: Int = 0, best: Evaluation? = nil) {
    self.step = step
    self.samples = samples
    self.best = best
  }
}
