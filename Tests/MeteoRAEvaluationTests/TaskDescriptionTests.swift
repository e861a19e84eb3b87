import Foundation
import MeteoRAEvaluation
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@Suite("Descriptions of tasks")
struct TaskDescriptionTests {
  private func read(_ text: String) throws -> TaskDescription {
    let folder = try TemporaryFolder()
    return try TaskDescription(contentsOf: folder.write(text, to: "task.json"))
  }

  @Test("it reads a metric and the longest answer")
  func reads() throws {
    let read = try read(#" {"max_new_tokens" : 40, "metric" : "exact\u005fcase"} "#)
    #expect(read == TaskDescription(metric: .exactCase, maximumNewTokens: 40))
  }

  @Test("it reads what it writes")
  func readsItself() throws {
    let description = TaskDescription(metric: .exactCase, maximumNewTokens: 1)
    let line = description.json.line
    #expect(line == Array(#"{"metric":"exact_case","max_new_tokens":1}"#.utf8))
    #expect(try read(String(decoding: line, as: UTF8.self)) == description)
  }

  @Test(
    "it says which field of which file is wrong",
    arguments: [
      (
        #"{"metric":"exact","max_new_tokens":40}"#,
        #":1:11 (byte 10): field 'metric' is the string "exact", expected the name of a metric; "#
          + #"known are "exact_case""#
      ),
      (
        #"{"metric":1,"max_new_tokens":40}"#,
        #":1:11 (byte 10): field 'metric' is 1, expected the name of a metric; known are "#
          + #""exact_case""#
      ),
      (#"{"max_new_tokens":40}"#, ":1:1 (byte 0): field 'metric' is missing"),
      (#"{"metric":"exact_case"}"#, ":1:1 (byte 0): field 'max_new_tokens' is missing"),
      (
        #"{"metric":"exact_case","max_new_tokens":0}"#,
        ":1:41 (byte 40): field 'max_new_tokens' is 0, expected an integer from 1 to 16777216"
      ),
      (
        #"{"metric":"exact_case","max_new_tokens":4e1}"#,
        ":1:41 (byte 40): field 'max_new_tokens' is 4e1, expected an integer from 1 to 16777216"
      ),
      (
        #"{"metric":"exact_case","max_new_tokens":4,"Metric":null}"#,
        ":1:52 (byte 51): field 'Metric' is null, expected to be absent; known are metric, "
          + "max_new_tokens"
      ),
      ("[]", ":1:1 (byte 0): the document is an array, expected an object"),
      ("", ":1:1 (byte 0): the document ends here, expected a value"),
    ])
  func refuses(text: String, message: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(text, to: "task.json")
    let error = #expect(throws: JSONError.self) { try TaskDescription(contentsOf: file) }
    #expect(error?.description == file.path + message)
  }

  @Test("it says that a file is missing")
  func missing() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("task.json")
    let error = #expect(throws: JSONError.self) { try TaskDescription(contentsOf: file) }
    #expect(error?.problem == .unreadable(.notFound(path: file.path)))
  }
}
