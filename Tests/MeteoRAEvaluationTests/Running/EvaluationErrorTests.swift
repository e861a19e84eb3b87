import Foundation
import MeteoRA
import MeteoRATestSupport
import MeteoRATraining
import Testing

@testable import MeteoRAEvaluation

@Suite("Errors of trying a model")
struct EvaluationErrorTests {
  /// What is wrong with a task, and the message behind the folder's path.
  static let tasks: [(lines: [String], description: String, message: String)] = [
    (
      [], #"{"metric":"exact_case","max_new_tokens":7}"#,
      "reverse/test.jsonl: has no line, expected"
    ),
    (
      [#"{"prompt":"a","response":"b"}"#, #"{"prompt":"a"}"#],
      #"{"metric":"exact_case","max_new_tokens":7}"#,
      "reverse/test.jsonl:2:1 (byte 30): field 'response' is missing"
    ),
    (
      [#"{"prompt":"a","response":"b"}"#], #"{"metric":"exact","max_new_tokens":7}"#,
      "reverse/task.json:1:11 (byte 10): field 'metric' is the string \"exact\", expected the name of a"
    ),
    (
      [#"{"prompt":"a","response":"b"}"#], #"{"metric":"exact_case"}"#,
      "reverse/task.json:1:1 (byte 0): field 'max_new_tokens' is missing"
    ),
    (
      [#"{"prompt":"","response":"bc"}"#], #"{"metric":"exact_case","max_new_tokens":7}"#,
      "reverse/test.jsonl:1: the prompt has no token, expected at least one"
    ),
    (
      [
        #"{"prompt":"a","response":"b"}"#,
        #"{"prompt":"\#(String(repeating: "~", count: 2048))","response":"b"}"#,
      ], #"{"metric":"exact_case","max_new_tokens":7}"#,
      "reverse/test.jsonl:2: the prompt has 2048 tokens, expected fewer than the 2048 positions of "
        + "the model"
    ),
  ]

  @Test("it names file, line and field of what cannot be taken", arguments: tasks)
  func files(lines: [String], description: String, message: String) throws {
    let example = try EvaluationExample(lines, description: description)
    let error = try #require(throws: EvaluationError.self) {
      try Evaluator(EvaluationExample.model()).result(of: example.set(), mode: .model(.routed))
    }
    #expect(error.description.hasPrefix("\(example.folder.url.path)/\(message)"), "\(error)")
    #expect((error as any Error).localizedDescription == error.description)
  }

  @Test("a sample without a label is named, and so are the adapters that there are")
  func noAdapter() throws {
    let model = try EvaluationExample.model()
    let example = try EvaluationExample(["{\"prompt\":\"a\",\"response\":\"b\"}"], task: "mixed")
    let error = try #require(throws: EvaluationError.self) {
      try Evaluator(model).result(
        of: example.set(task: "mixed", adapters: model.adapterNames), mode: .labels)
    }
    #expect(
      error.description
        == "\(example.folder.url.path)/mixed/test.jsonl:1: the sample has no spans, and no adapter is "
        + "named 'mixed' like its task; the model has arithmetic, capitals, reverse, rhymes, "
        + "translate")
    #expect(throws: Never.self) {
      try Evaluator(model).result(of: example.set(task: "mixed"), mode: .model(.routed))
    }
  }

  @Test("a span that names no adapter is refused only where labels are needed")
  func unknownSpan() throws {
    let example = try EvaluationExample([
      #"{"prompt":"ab","response":"c","spans":[{"task":"revers","start":0,"end":1}]}"#
    ])
    #expect(throws: Never.self) { try example.set() }
    let error = try #require(throws: EvaluationError.self) {
      try example.set(adapters: ["reverse", "rhymes"])
    }
    #expect(error.description.contains("test.jsonl:1:"))
    #expect(error.description.contains("field 'spans[0].task' is the string \"revers\""))
  }

  @Test("settings out of range are refused")
  func settings() throws {
    let model = try EvaluationExample.model()
    for size in [0, -1, 1 << 17] {
      let error = try #require(throws: EvaluationError.self) {
        try Evaluator(model, batchSize: size)
      }
      #expect(error.description == "the batch size is \(size), expected 1 to 65536")
    }
    for limit in [0, -3] {
      #expect(throws: EvaluationError.self) { try EvaluationExample().set(limit: limit) }
    }
  }

  @Test("folders that are not there are named, with the nearest")
  func unknownTask() throws {
    let error = try #require(throws: EvaluationError.self) {
      try EvaluationExample().set(task: "revers")
    }
    #expect(error.description.hasSuffix("holds no task 'revers'; the nearest is 'reverse'"))
  }

  @Test("what the model refuses is told: an adapter that it does not have, NaN among its logits")
  func modelErrors() throws {
    let model = try EvaluationExample.model()
    let set = try EvaluationExample().set()
    #expect(
      throws: EvaluationError.model(.unknownAdapter(name: "x", known: model.adapterNames))
    ) { try Evaluator(model).result(of: set, mode: .model(.singleAdapter("x"))) }
    for threads in [1, 3] {
      let other = try model.with(parallelism: Parallelism(threads: threads)).disabling(["rhymes"])
      #expect(throws: EvaluationError.model(.disabledAdapter(name: "rhymes"))) {
        try Evaluator(other, batchSize: 2).result(of: set, mode: .model(.singleAdapter("rhymes")))
      }
    }
  }
}
