import MeteoRASafetensors
import MeteoRATokenizers
import Testing

@testable import MeteoRATraining

@Suite("Where tokens begin in their text")
struct TokenStartsTests {
  static let tokenizers = [
    "tokenizers/tiny-llama3", "tokenizers/llama2", "tokenizers/gemma", "tokenizers/bloom",
    "tokenizers/deepseek", "tokenizers/metaspace-first", "tokenizers/o200k", "sentencepiece/llama2",
    "sentencepiece/symbols", "tiktoken/llama3", "tokenizers/llama3-added",
  ]
  static let texts = [
    "", "a", "Hello, world", " two  spaces ", "1. cba\n2. 17\n", "\n\n\n", "é€😀é", "\n😀\n字x",
    "a\u{0}b", "日本語のテキスト\n2. \u{1F469}\u{200D}\u{1F469}", "</s>x<|eot_id|>",
  ]

  /// Where the tokens before one decode to a begin of the text, it begins behind that; where they
  /// end in the middle of a character, it begins at that character or in it.
  @Test("they begin where what comes before them ends", arguments: tokenizers)
  func agreesWithPrefixes(name: String) throws {
    let tokenizer = try GoldenTokenizer.load(name)
    for text in Self.texts {
      let bytes = Array(text.utf8)
      let ids = tokenizer.encode(text, addSpecialTokens: false)
      guard tokenizer.decode(ids, skipSpecialTokens: false).utf8.elementsEqual(bytes) else {
        #expect(throws: TokenStarts.Misspelling.self, "\(text)") {
          try TokenStarts(tokenizer: tokenizer).starts(of: ids, in: bytes)
        }
        continue
      }
      let starts = try TokenStarts(tokenizer: tokenizer).starts(of: ids, in: bytes)
      try #require(starts.count == ids.count)
      var known = 0
      for (token, start) in starts.enumerated() {
        let before = Array(tokenizer.decode(Array(ids[..<token]), skipSpecialTokens: false).utf8)
        known = max(known, zip(before, bytes).prefix { $0 == $1 }.count)
        if known == before.count {
          #expect(start == known, "token \(token) of \(text)")
        } else {
          let first = bytes[...known].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
          let length = String(decoding: bytes[first...], as: UTF8.self).unicodeScalars.first
            .map { UTF8.width($0) }
          #expect((first..<first + (length ?? 0)).contains(start), "token \(token) of \(text)")
        }
      }
    }
  }

  @Test("each byte of a run of <0xHH> counts, also where it is held back")
  func countsBytes() throws {
    let tokenizer = try GoldenTokenizer.load("tokenizers/llama2")
    let text = "a\u{1}😀\u{1}b"
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    let tokens = ids.compactMap(tokenizer.token)
    #expect(tokens == ["▁a", "<0x01>", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0x01>", "b"])
    let starts = try TokenStarts(tokenizer: tokenizer).starts(of: ids, in: Array(text.utf8))
    #expect(starts == [0, 1, 2, 3, 4, 5, 6, 7])
  }

  @Test("tokens of half a character begin where it does")
  func takesHalves() throws {
    let tokenizer = try SmallTokenizer.load()
    let text = "abéc"
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    #expect(ids == [3, 6, 7, 2])
    let starts = try TokenStarts(tokenizer: tokenizer).starts(of: ids, in: Array(text.utf8))
    #expect(starts == [0, 2, 2, 4])
  }

  @Test(
    "tokens that do not spell the text are an error",
    arguments: [
      ("tokenizers/nfkc-lowercase", "Äa", 0), ("tokenizers/nfc", "e\u{301}", 0),
      ("tokenizers/plain-steps", "a  b", 1), ("sentencepiece/llama2", "x\u{2581}y", 1),
    ])
  func refusesOthers(name: String, text: String, bytes: Int) throws {
    let tokenizer = try GoldenTokenizer.load(name)
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    let error = #expect(throws: TokenStarts.Misspelling.self) {
      try TokenStarts(tokenizer: tokenizer).starts(of: ids, in: Array(text.utf8))
    }
    #expect(error?.bytes == bytes)
  }

  @Test("a decoder that holds everything back is an error, as it tells no starts")
  func refusesHoldingBack() throws {
    let tokenizer = try GoldenTokenizer.load("tokenizers/decoders")
    let ids = tokenizer.encode("abc", addSpecialTokens: false)
    #expect(throws: TokenStarts.Misspelling.self) {
      try TokenStarts(tokenizer: tokenizer).starts(of: ids, in: Array("abc".utf8))
    }
  }
}
