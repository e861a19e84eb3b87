import MeteoRA
import MeteoRAKernels

/// A reason why training stops.
public enum TrainingError: Error, Sendable {
  /// A loss or a gradient of a step, counted from 1, is infinite or NaN; `place` tells where that
  /// appeared first.
  case notFinite(step: Int, where: String)
  /// New weights cannot be used.
  case kernel(KernelError)
}

extension TrainingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFinite(let step, let place):
      "step \(step): \(place) came to infinity or NaN; a lower learning rate or clipping may help"
    case .kernel(let error): error.description
    }
  }
}
