import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora generate from text to text")
struct GenerateTextTests {
  static let files = [
    ("llama2", "plain", 0), ("llama2", "no-repeat", 1), ("llama3", "plain", 0),
    ("llama3", "no-repeat", 1),
  ]

  private func lines(_ model: String, _ file: String) throws -> [JSONValue] {
    let path = try Fixture.golden("generation/\(model)/\(file).jsonl")
    return try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: 0x0A).map {
      try JSONDocument(bytes: Array($0), source: path).root
    }
  }

  @Test("it answers as Transformers does", arguments: files)
  func answers(model: String, file: String, ngram: Int) throws {
    let lines = try lines(model, file)
    #expect(lines.count >= 16)
    let options = [
      "generate", "--model", try Fixture.golden("generation/\(model)"), "--max-new-tokens", "20",
      "--no-repeat-ngram-size", "\(ngram)",
    ]
    for (number, expected) in lines.enumerated() {
      let prompt = try expected.required("prompt").stringValue()
      let answer = try ToolRun(options + ["--prompt", prompt, "--json"]).json()
      #expect(answer["prompt_ids"]?.integers == expected["prompt_ids"]?.integers, "\(number)")
      #expect(answer["new_ids"]?.integers == expected["new_ids"]?.integers, "\(number)")
      #expect(answer["text"]?.utf8 == expected["text"]?.utf8, "\(number)")
      #expect(answer["finish_reason"]?.utf8 == expected["finish_reason"]?.utf8, "\(number)")
    }
  }

  @Test("it does not repeat a line feed that ends the prompt", arguments: ["llama2", "llama3"])
  func leavesPromptOut(model: String) throws {
    let expected = try #require(
      try lines(model, "plain").first { $0["prompt"]?.utf8?.last == 0x0A })
    let prompt = try expected.required("prompt").stringValue()
    let run = ToolRun([
      "generate", "--model", try Fixture.golden("generation/\(model)"), "--max-new-tokens", "20",
      "--prompt", prompt,
    ])
    #expect(Array(run.output.utf8) == (expected["text"]?.utf8 ?? []) + [0x0A])
  }
}
