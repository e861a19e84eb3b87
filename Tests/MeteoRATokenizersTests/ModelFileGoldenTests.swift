import MeteoRAFixtures
import MeteoRATokenizers
import Testing

@Suite("A tokenizer.model against the golden texts")
struct ModelFileGoldenTests {
  static let all = [
    "sentencepiece/llama2", "sentencepiece/plain", "sentencepiece/symbols",
    "sentencepiece/no-prefix", "sentencepiece/suffix", "sentencepiece/across",
    "sentencepiece/raw-spaces", "tiktoken/llama3",
  ]

  private static func open(_ name: String) throws -> Tokenizer {
    let pack = try #require(GoldenPack.directory)
    return try Tokenizer(folder: pack.appendingPathComponent(name, isDirectory: true))
  }

  private static func cases(_ name: String, in file: String) throws -> [GoldenCase] {
    let pack = try #require(GoldenPack.directory)
    return try GoldenCase.lines(of: pack.appendingPathComponent("\(name)/\(file)"))
  }

  @Test("gives the ids of the library", arguments: all)
  func encodes(name: String) throws {
    let tokenizer = try Self.open(name)
    let cases = try Self.cases(name, in: "cases.jsonl")
    #expect(cases.count >= 300)
    for (index, expected) in cases.enumerated() {
      let ids = try tokenizer.encode(utf8: expected.text, addSpecialTokens: false)
      #expect(ids == expected.ids, "line \(expected.line)")
      if index % 10 == 0 {
        let text = String(decoding: expected.text, as: UTF8.self)
        #expect(tokenizer.encode(text) == expected.withSpecial, "line \(expected.line)")
      }
    }
  }

  @Test(
    "gives the text of the library, at once and in a stream", arguments: all,
    ["cases.jsonl", "decode.jsonl"])
  func decodes(name: String, file: String) throws {
    let tokenizer = try Self.open(name)
    let cases = try Self.cases(name, in: file)
    #expect(cases.count >= 100)
    for expected in cases { expected.expectTexts(of: tokenizer) }
  }
}
