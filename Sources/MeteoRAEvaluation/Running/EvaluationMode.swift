import MeteoRA

/// What computes the linear modules while a model is tried.
public enum EvaluationMode: Sendable, Equatable {
  /// As in every generation: gates choose, one adapter, or none.
  case model(MeteoRAModel.Mode)
  /// The adapter of every token is the one that its label names, with weight 1: routing by an
  /// oracle. Labels are those of training.
  case labels

  /// Each adapter of a model alone, then the base.
  public static func eachAlone(of model: MeteoRAModel) -> [EvaluationMode] {
    model.adapterNames.map { .model(.singleAdapter($0)) } + [.model(.noAdapters)]
  }
}
