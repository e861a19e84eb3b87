import MeteoRATokenizers
import Testing

@Suite("A tokenizer against the golden texts")
struct TokenizerGoldenTests {
  @Test("gives the ids of the library", arguments: GoldenTokenizer.all)
  func encodes(golden: GoldenTokenizer) throws {
    let tokenizer = try golden.load()
    let cases = try golden.cases(in: "cases.jsonl")
    #expect(cases.count >= 100)
    for (index, expected) in cases.enumerated() {
      let text = String(decoding: expected.text, as: UTF8.self)
      #expect(
        tokenizer.encode(text, addSpecialTokens: false) == expected.ids, "line \(expected.line)")
      #expect(try tokenizer.encode(utf8: expected.text, addSpecialTokens: false) == expected.ids)
      if index % 10 == 0 {
        #expect(tokenizer.encode(text) == expected.withSpecial, "line \(expected.line)")
      }
    }
  }

  @Test("knows letters and digits of Unicode 16")
  func encodesNewLetters() throws {
    let golden = GoldenTokenizer(name: "llama3-added")
    let tokenizer = try golden.load()
    let cases = try golden.cases(in: "after-unicode-14.jsonl")
    #expect(cases.count == 27)
    for expected in cases {
      #expect(try tokenizer.encode(utf8: expected.text, addSpecialTokens: false) == expected.ids)
    }
  }

  @Test(
    "gives the text of the library", arguments: GoldenTokenizer.all,
    ["cases.jsonl", "decode.jsonl"]
  )
  func decodes(golden: GoldenTokenizer, file: String) throws {
    let tokenizer = try golden.load()
    let cases = try golden.cases(in: file)
    #expect(cases.count >= 100)
    for expected in cases {
      let decoded = tokenizer.decode(expected.ids, skipSpecialTokens: false)
      #expect(Array(decoded.utf8) == expected.decoded, "line \(expected.line)")
      let skipped = tokenizer.decode(expected.ids, skipSpecialTokens: true)
      #expect(Array(skipped.utf8) == expected.skipped, "line \(expected.line)")
    }
  }

  @Test(
    "streams what it decodes at once", arguments: GoldenTokenizer.all,
    ["cases.jsonl", "decode.jsonl"]
  )
  func streams(golden: GoldenTokenizer, file: String) throws {
    let tokenizer = try golden.load()
    for expected in try golden.cases(in: file) {
      for (skips, text) in [(false, expected.decoded), (true, expected.skipped)] {
        var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: skips)
        var streamed: [UInt8] = []
        for id in expected.ids { streamed += decoder.append(id).utf8 }
        streamed += decoder.finish().utf8
        #expect(streamed == text, "line \(expected.line)")
      }
    }
  }
}
