import Foundation
import MeteoRASafetensors

/// How a task is scored: the file `task.json` in the task's folder.
///
///     {"metric":"exact_case","max_new_tokens":40}
public struct TaskDescription: Equatable, Sendable {
  /// How answers are compared with those expected.
  public var metric: TaskMetric
  /// An answer ends after so many tokens, if the model does not end it before.
  public var maximumNewTokens: Int

  /// What ``maximumNewTokens`` may be in a file.
  public static let newTokens = 1...1 << 24
  /// The name of the file.
  public static let fileName = "task.json"

  /// A description of its own making.
  public init(metric: TaskMetric, maximumNewTokens: Int) {
    self.metric = metric
    self.maximumNewTokens = maximumNewTokens
  }

  /// Reads a `task.json`.
  ///
  /// - Throws: `JSONError`, which names the file and the field: the file cannot be read or is no
  ///   JSON, a field is missing, unknown or out of range, or the metric is none of ``TaskMetric``.
  public init(contentsOf url: URL) throws(JSONError) {
    let root = try JSONDocument(contentsOf: url).root
    let metric = try root.required(Field.metric)
    guard let known = TaskMetric.allCases.first(where: { metric.equals($0.rawValue) }) else {
      let names = TaskMetric.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw metric.mismatch(expected: "the name of a metric; known are \(names)")
    }
    self.metric = known
    maximumNewTokens = try root.required(Field.newTokens).integerValue(in: Self.newTokens)
    try root.refuseFields(except: [Field.metric, Field.newTokens])
  }

  /// What the file holds.
  package var json: JSONOutput {
    .object([
      (Field.metric, .string(metric.rawValue)), (Field.newTokens, .integer(maximumNewTokens)),
    ])
  }

  private enum Field {
    static let metric = "metric"
    static let newTokens = "max_new_tokens"
  }
}
