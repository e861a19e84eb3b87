import Foundation
import MeteoRASafetensors
import MeteoRATokenizers
import Testing

/// The file that `Fixtures/oracle/compare_tokenizers.py` wrote.
private let comparison = ProcessInfo.processInfo.environment["METEORA_TOKENIZER_CASES"]

@Suite("A tokenizer against the library at large", .enabled(if: comparison != nil))
struct TokenizerComparisonTests {
  @Test("differs nowhere")
  func agrees() throws {
    let path = try #require(comparison)
    var tokenizer: Tokenizer?
    var number = 0
    var differences: [String] = []
    var index = 0
    for line in try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: 0x0A) {
      number += 1
      let root = try JSONDocument(bytes: Array(line), source: path).root
      if let file = try root.optional("tokenizer")?.stringValue() {
        tokenizer = try Tokenizer(contentsOf: URL(fileURLWithPath: file))
        index = 0
        continue
      }
      let current = try #require(tokenizer)
      let expected = try GoldenCase(root, number: number)
      let decoded = current.decode(expected.ids, skipSpecialTokens: false)
      let skipped = current.decode(expected.ids, skipSpecialTokens: true)
      var stream = current.makeStreamDecoder(skipSpecialTokens: false)
      let streamed = expected.ids.map { stream.append($0) }.joined() + stream.finish()
      var agrees =
        decoded.utf8.elementsEqual(expected.decoded)
        && skipped.utf8.elementsEqual(expected.skipped)
        && streamed.utf8.elementsEqual(expected.decoded)
      if expected.hasText {
        let ids = try current.encode(utf8: expected.text, addSpecialTokens: false)
        agrees = agrees && ids == expected.ids
      }
      if expected.hasText && index % 10 == 0 {
        agrees = try agrees && current.encode(utf8: expected.text) == expected.withSpecial
      }
      if !agrees { differences.append("line \(number)") }
      index += 1
    }
    #expect(number > 1)
    #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(20))")
  }
}
