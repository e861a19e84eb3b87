import Foundation
import MeteoRA
import MeteoRATraining

/// A reason why a model cannot be tried on tasks.
public enum EvaluationError: Error, Equatable, Sendable {
  /// Samples cannot be read or encoded, or a setting is out of range.
  case samples(TrainingDataError)
  /// A `task.json` cannot be read.
  case task(JSONError)
  /// The model cannot answer.
  case model(MeteoRAError)
  /// There are no answers to count.
  case accuracy(AccuracyError)
  /// A prompt has no token.
  case emptyPrompt(file: String, line: Int)
  /// A prompt leaves the model no position for an answer.
  case promptTooLong(file: String, line: Int, tokens: Int, positions: Int)
  /// Labels are to choose the adapters, and nothing says to which one a sample belongs.
  case noAdapter(file: String, line: Int, task: String, known: [String])
  /// The caller stopped what was under way.
  case cancelled
}

extension EvaluationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .samples(let error): "\(error)"
    case .task(let error): "\(error)"
    case .model(let error): "\(error)"
    case .accuracy(let error): "\(error)"
    case .emptyPrompt(let file, let line):
      "\(shown(file)):\(line): the prompt has no token, expected at least one"
    case .promptTooLong(let file, let line, let tokens, let positions):
      "\(shown(file)):\(line): the prompt has \(tokens) tokens, expected fewer than the "
        + "\(positions) positions of the model"
    case .noAdapter(let file, let line, let task, let known):
      "\(shown(file)):\(line): the sample has no spans, and no adapter is named "
        + "'\(printable(task))' like its task; the model has "
        + (known.isEmpty ? "none" : known.map { printable($0, limit: 80) }.joined(separator: ", "))
    case .cancelled: "stopped before all samples were answered"
    }
  }
}

/// A path in a message; it may hold any byte, but a message is one line.
private func shown(_ path: String) -> String { printable(path, limit: 1024) }

extension EvaluationError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
