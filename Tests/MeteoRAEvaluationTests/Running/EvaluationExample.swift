import Foundation
import MeteoRA
import MeteoRAFixtures
import MeteoRATestSupport

@testable import MeteoRAEvaluation

/// The demo bundle, and folders of tasks for it.
struct EvaluationExample {
  struct MissingFixtures: Error {}

  let folder: TemporaryFolder

  /// A task with the name of an adapter.
  static let task = "reverse"

  /// - Parameter lines: Of the task's `test.jsonl`.
  init(
    _ lines: [String] = EvaluationExample.lines, task: String = EvaluationExample.task,
    description: String = #"{"metric":"exact_case","max_new_tokens":7}"#
  ) throws {
    folder = try TemporaryFolder()
    try add(lines, task: task, description: description)
  }

  func add(
    _ lines: [String], task: String,
    description: String = #"{"metric":"exact_case","max_new_tokens":7}"#
  ) throws {
    try folder.write(lines.map { $0 + "\n" }.joined(), to: "\(task)/test.jsonl")
    try folder.write(description, to: "\(task)/task.json")
  }

  /// Prompts of many lengths, with answers that nobody gives.
  static let lines = (0..<11).map { index in
    let words = ["the", "capital", "of", "france", "is", "a", "rhyme"]
    let prompt = (0...(index * 5 % 11)).map { words[($0 + index) % 7] }.joined(separator: " ")
    return #"{"prompt":"\#(prompt)","response":"x"}"#
  }

  static func model(threads: Int = 1) throws -> MeteoRAModel {
    guard let folder = DemoBundle.directory else { throw MissingFixtures() }
    return try MeteoRAModel(contentsOf: folder, parallelism: try Parallelism(threads: threads))
  }

  func set(
    task: String = EvaluationExample.task, adapters: [String]? = nil, limit: Int? = nil
  ) throws -> TestSet {
    try TestSet.all(of: [task], in: folder.url, adapters: adapters, limit: limit)[0]
  }
}
