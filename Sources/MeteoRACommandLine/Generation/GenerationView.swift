import MeteoRA
import MeteoRALlama

/// What a person or program sees of a generation while it runs.
protocol GenerationView {
  /// Shows what a step brought.
  mutating func show(
    _ tokens: [GeneratedToken], of generation: MeteoRAGeneration) throws(OutputFailure)

  /// Shows what is left once no step follows: all sequences have ended, or the user stopped them.
  mutating func finish(_ generation: MeteoRAGeneration) throws(OutputFailure)

  /// Shows what there is once an error has ended the run, which nobody stopped.
  mutating func fail(_ generation: MeteoRAGeneration) throws(OutputFailure)
}

extension GenerationView {
  mutating func fail(_ generation: MeteoRAGeneration) throws(OutputFailure) {
    try finish(generation)
  }
}
