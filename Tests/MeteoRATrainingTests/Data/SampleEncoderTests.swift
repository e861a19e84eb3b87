import MeteoRATokenizers
import Testing

@testable import MeteoRATraining

@Suite("Samples as tokens")
struct SampleEncoderTests {
  private func encoder(
    addsBegin: Bool = false, addsEnd: Bool = false, maximumLength: Int = 100,
    vocabularySize: Int = 10
  ) throws -> SampleEncoder {
    try SampleEncoder(
      tokenizer: SmallTokenizer.load(), vocabularySize: vocabularySize,
      options: SampleEncoder.Options(
        addsBegin: addsBegin, addsEnd: addsEnd, maximumLength: maximumLength))
  }

  private func text(_ prompt: String, _ response: String, _ spans: AdapterSpan...) -> SampleText {
    SampleText(
      prompt: Array(prompt.utf8), response: Array(response.utf8), spans: spans, line: 3)
  }

  private func encode(
    _ text: SampleText, _ encoder: SampleEncoder, adapter: Int? = nil
  ) throws -> TrainingSample {
    try encoder.encode(text, adapter: adapter, file: "train.jsonl")
  }

  private func run(_ tokens: Range<Int>, _ adapter: Int) -> TrainingSample.GateRun {
    TrainingSample.GateRun(tokens: tokens, adapter: adapter)
  }

  @Test("prompt and response are tokenised apart, and nothing is added unasked")
  func joins() throws {
    let sample = try encode(text("ca", "b c"), encoder(), adapter: 4)
    #expect(
      sample
        == TrainingSample(
          ids: [2, 0, 1, 4, 2], promptCount: 2, gateRuns: [run(0..<5, 4)], fullCount: 5))
    #expect(!sample.isCut)
    // Together, "ab" would be one token.
    #expect(try SmallTokenizer.load().encode("cab c", addSpecialTokens: false) == [2, 3, 4, 2])
  }

  @Test("BOS and EOS belong to the adapter of their neighbour")
  func addsBeginAndEnd() throws {
    let both = try encoder(addsBegin: true, addsEnd: true)
    #expect(
      try encode(text("c", "a"), both, adapter: 1)
        == TrainingSample(
          ids: [8, 2, 0, 9], promptCount: 2, gateRuns: [run(0..<4, 1)], fullCount: 4))
    let spans = text(
      "c", "aa", AdapterSpan(adapter: 2, bytes: 0..<1), AdapterSpan(adapter: 3, bytes: 2..<3))
    #expect(try encode(spans, both).gateRuns == [run(0..<2, 2), run(3..<5, 3)])
    let inner = text("c", "aa", AdapterSpan(adapter: 2, bytes: 1..<2))
    #expect(try encode(inner, both).gateRuns == [run(2..<3, 2)])
    #expect(
      try encode(inner, both, adapter: 0).gateRuns
        == [run(0..<2, 0), run(2..<3, 2), run(3..<5, 0)])
    let begin = try encode(text("", "a"), encoder(addsBegin: true), adapter: 0)
    #expect(begin.ids == [8, 0])
    #expect(begin.promptCount == 1)
    let end = try encode(text("a", ""), encoder(addsEnd: true), adapter: 0)
    #expect(end.ids == [0, 9])
    #expect(end.promptCount == 1)
  }

  @Test("tokens have the adapter of the span of their first byte")
  func labelsSpans() throws {
    // a b | c é | ab c
    let sample = text(
      "cé", "abc", AdapterSpan(adapter: 5, bytes: 1..<4), AdapterSpan(adapter: 6, bytes: 4..<6))
    let encoded = try encode(sample, encoder(), adapter: 0)
    #expect(encoded.ids == [2, 6, 7, 3, 2])
    #expect(encoded.gateRuns == [run(0..<1, 0), run(1..<4, 5), run(4..<5, 6)])
    #expect(try encode(sample, encoder()).gateRuns == [run(1..<4, 5), run(4..<5, 6)])
  }

  @Test("spans of one adapter that touch are one run, those of a prompt go on in the response")
  func joinsRuns() throws {
    let sample = text(
      "aa", "ccc", AdapterSpan(adapter: 5, bytes: 1..<3), AdapterSpan(adapter: 5, bytes: 3..<4))
    #expect(
      try encode(sample, encoder(), adapter: 1).gateRuns
        == [run(0..<1, 1), run(1..<4, 5), run(4..<5, 1)])
  }

  @Test("lines that end in tokens <0xHH> belong to their own span")
  func labelsByteTokens() throws {
    let encoder = try SampleEncoder(
      tokenizer: GoldenTokenizer.load("tokenizers/llama2"), vocabularySize: 10_000,
      options: SampleEncoder.Options(addsEnd: false, maximumLength: 100))
    let prompt = "a\u{1}b\u{1}"
    let sample = SampleText(
      prompt: Array(prompt.utf8), response: [],
      spans: [AdapterSpan(adapter: 1, bytes: 0..<2), AdapterSpan(adapter: 2, bytes: 2..<4)])
    let encoded = try encode(sample, encoder)
    #expect(encoded.ids.count == 4)
    #expect(encoded.gateRuns == [run(0..<2, 1), run(2..<4, 2)])
  }

  @Test("a sample without adapter has no runs")
  func hasNoRuns() throws {
    #expect(try encode(text("a", "c"), encoder()).gateRuns == [])
  }

  @Test(
    "what is too long is cut at the end",
    arguments: [
      (2, [8, 2], 2), (3, [8, 2, 2], 3), (4, [8, 2, 2, 0], 3), (5, [8, 2, 2, 0, 9], 3),
      (6, [8, 2, 2, 0, 9], 3),
    ])
  func cuts(length: Int, ids: [Int32], promptCount: Int) throws {
    let encoder = try encoder(addsBegin: true, addsEnd: true, maximumLength: length)
    let sample = text("cc", "a", AdapterSpan(adapter: 7, bytes: 1..<3))
    let encoded = try encode(sample, encoder)
    #expect(encoded.ids == ids)
    #expect(encoded.promptCount == promptCount)
    #expect(encoded.fullCount == 5)
    #expect(encoded.isCut == (length < 5))
    #expect(encoded.gateRuns == (length == 2 ? [] : [run(2..<min(length, 5), 7)]))
  }

  @Test("a sample of less than two tokens is an error", arguments: [("", "", 0), ("a", "", 1)])
  func refusesShort(prompt: String, response: String, tokens: Int) throws {
    let error = #expect(throws: TrainingDataError.self) {
      try encode(text(prompt, response), encoder(), adapter: 0)
    }
    #expect(error == .tooShort(file: "train.jsonl", line: 3, tokens: tokens))
  }

  @Test("an id that the model does not have is an error, cut or not")
  func refusesIDs() throws {
    #expect(
      throws: TrainingDataError.unknownID(
        file: "train.jsonl", line: 3, id: 9, vocabularySize: 9)
    ) {
      try encode(
        text("aa", "c"), encoder(addsEnd: true, maximumLength: 2, vocabularySize: 9), adapter: 0)
    }
    #expect(throws: TrainingDataError.self) {
      try encode(text("aa", "c"), encoder(vocabularySize: -1), adapter: 0)
    }
  }

  @Test("tokens that do not spell the text are an error only where there are spans")
  func refusesMisspelling() throws {
    let encoder = try SampleEncoder(
      tokenizer: GoldenTokenizer.load("tokenizers/nfkc-lowercase"), vocabularySize: 10_000,
      options: SampleEncoder.Options(addsEnd: false, maximumLength: 100))
    #expect(try encode(text("a", "bÄ"), encoder, adapter: 0).gateRuns.count == 1)
    let error = #expect(throws: TrainingDataError.self) {
      try encode(text("a", "bÄ", AdapterSpan(adapter: 0, bytes: 0..<1)), encoder)
    }
    #expect(error == .misspelled(file: "train.jsonl", line: 3, part: "response", bytes: 1))
  }

  @Test("BOS and EOS have to be named by the tokenizer")
  func needsTokens() throws {
    let tokenizer = try SmallTokenizer.load(namesBeginAndEnd: false)
    for (begin, end, token) in [(true, false, "BOS"), (false, true, "EOS")] {
      #expect(throws: TrainingDataError.noToken(token)) {
        try SampleEncoder(
          tokenizer: tokenizer, vocabularySize: 10,
          options: SampleEncoder.Options(addsBegin: begin, addsEnd: end, maximumLength: 9))
      }
    }
  }

  @Test("a maximum length has bounds", arguments: [Int.min, -1, 0, 1, 1 << 24 + 1, Int.max])
  func refusesLengths(length: Int) throws {
    let error = #expect(throws: TrainingDataError.self) { try encoder(maximumLength: length) }
    #expect(
      error?.description == "the maximum length is \(length), expected 2 to 16777216")
  }
}
