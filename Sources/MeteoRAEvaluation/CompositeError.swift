import Foundation
import MeteoRASafetensors

/// A reason why samples cannot be put together to a composite.
public enum CompositeError: Error, Equatable, Sendable {
  /// There is no sample.
  case noItems
  /// A request or an answer has a line feed inside; `part` is "prompt" or "response".
  case severalLines(number: Int, task: String, part: String)
}

extension CompositeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noItems: "a composite has no item, expected at least one"
    case .severalLines(let number, let task, let part):
      "the \(part) of item \(number), of the task '\(printable(task))', has several lines, expected "
        + "one for an item that is numbered"
    }
  }
}

extension CompositeError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
