import Foundation
import MeteoRASafetensors

@testable import MeteoRACommandLine

/// Folders of tasks for the demo bundle, in a folder that a test made.
struct EvaluationFolder {
  let url: URL

  static let description = #"{"metric":"exact_case","max_new_tokens":6}"#
  static let prompts = ["the", "the capital of france is", "a rhyme", "abc abc abc", "x"]

  /// - Parameter url: The folder.
  init(_ url: URL) throws {
    self.url = url
    try add("reverse", Self.prompts.map { ($0, "nothing of that kind") })
    try add("rhymes", Self.prompts.map { ($0, "nothing either") })
  }

  /// Writes a task.
  ///
  /// - Parameter spans: The JSON of the samples' spans.
  func add(
    _ task: String, _ samples: [(prompt: String, response: String)], spans: String? = nil,
    description: String = EvaluationFolder.description
  ) throws {
    let folder = url.appendingPathComponent(task)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let lines = samples.map { prompt, response in
      let line = JSONOutput.object([
        ("prompt", .string(prompt)), ("response", .string(response)),
      ]).line.dropLast()
      return String(decoding: line, as: UTF8.self) + (spans.map { ",\"spans\":\($0)" } ?? "")
        + "}\n"
    }
    try lines.joined().write(
      to: folder.appendingPathComponent("test.jsonl"), atomically: true, encoding: .utf8)
    try description.write(
      to: folder.appendingPathComponent("task.json"), atomically: true, encoding: .utf8)
  }

  /// Writes a task of one composite of two items.
  func addComposite() throws {
    try add(
      "mixed", [("1. ab\n2. cd\n", "1. x\n2. y\n")],
      spans: """
        [{"task":"reverse","start":3,"end":6},{"task":"rhymes","start":9,"end":12},\
        {"task":"reverse","start":15,"end":17},{"task":"rhymes","start":20,"end":22}]
        """)
  }

  /// What the tool does with the demo and these tasks.
  func run(_ options: [String], interruption: Interruption = Interruption()) throws -> ToolRun {
    ToolRun(try arguments(options), interruption: interruption)
  }

  func arguments(_ options: [String]) throws -> [String] {
    ["eval", "--model", try Fixture.demo(), "--datasets", url.path] + options
  }

  /// The lines of a file in the folder.
  func lines(_ name: String) throws -> [JSONValue] {
    let text = try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
    return try text.split(separator: "\n").map {
      try JSONDocument(bytes: Array($0.utf8), source: name).root
    }
  }
}
