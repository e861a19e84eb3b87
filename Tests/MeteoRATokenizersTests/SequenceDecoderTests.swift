import Testing

@testable import MeteoRATokenizers

@Suite("A sequence of decoders")
struct SequenceDecoderTests {
  private static let llama2: [DecoderStep] = [
    .replace(TextReplacement(pattern: .literal(Array("▁".utf8)), content: [0x20])), .byteFallback,
    .fuse, .strip(content: [0x20], start: 1, stop: 0),
  ]

  /// What comes out after each token, and at the end.
  private func parts(_ tokens: [String], _ steps: [DecoderStep]) -> [String] {
    var state = SequenceDecoder(steps: steps).makeState()
    var parts: [String] = []
    for token in tokens {
      var text: [UInt8] = []
      state.append(Array(token.utf8)[...], to: &text)
      parts.append(String(decoding: text, as: UTF8.self))
    }
    var text: [UInt8] = []
    state.finish(to: &text)
    return parts + [String(decoding: text, as: UTF8.self)]
  }

  @Test("shows Llama's text at once, and bytes when their run ends")
  func showsEarly() {
    #expect(parts(["▁Hi", "▁you"], Self.llama2) == ["Hi", " you", ""])
    #expect(parts(["▁", "▁a"], Self.llama2) == ["", " a", ""])
    #expect(parts(["<0xC3>", "<0xA9>", "a"], Self.llama2) == ["", "", "éa", ""])
    #expect(parts(["<0x41>", "<0x42>"], Self.llama2) == ["", "", "AB"])
    #expect(parts(["a", "▁"], Self.llama2) == ["a", " ", ""])
  }

  @Test("makes one U+FFFD of every byte of a run that is no UTF-8, good ones too")
  func replacesRuns() {
    let tokens = ["<0xE2>", "<0x82>", "<0xAC>", "<0xFF>"]
    #expect(parts(tokens, Self.llama2).joined() == "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}")
    #expect(parts(Array(tokens.prefix(3)), Self.llama2).joined() == "€")
  }

  @Test(
    "takes for a byte what Rust reads as one",
    arguments: [
      ("<0x4a>", "J"), ("<0x+A>", "\n"), ("<0x-A>", "<0x-A>"), ("<0x4>", "<0x4>"),
      ("<0x041>", "<0x041>"), ("<0xé>", "<0xé>"), ("<0xG0>", "<0xG0>"),
    ])
  func readsBytes(token: String, expected: String) {
    #expect(parts([token], [.byteFallback]).joined() == expected)
  }

  @Test("strips each token before Fuse, and the whole text after it")
  func strips() {
    let strip = DecoderStep.strip(content: [0x20], start: 2, stop: 1)
    #expect(parts(["   a  ", " b "], [strip]).joined() == " a b")
    #expect(parts(["   a  ", " b "], [.fuse, strip]) == ["", "", " a   b"])
    #expect(parts([" ", ""], [strip]).joined() == "")
    let begin = DecoderStep.strip(content: [0x20], start: 3, stop: 0)
    #expect(parts([" ", "", "  ", "  a"], [.fuse, begin]) == ["", "", "", "  a", ""])
  }

  @Test("drops Metaspace's characters of the first token only")
  func dropsFirst() {
    let always = DecoderStep.metaspace(replacement: Array("▁".utf8), dropsFirst: true)
    #expect(parts(["▁▁a▁b", "▁c"], [always]).joined() == "ab c")
    let never = DecoderStep.metaspace(replacement: Array("▁".utf8), dropsFirst: false)
    #expect(parts(["▁a", "▁c"], [never]).joined() == " a c")
  }

  @Test("joins bytes of ByteLevel over tokens before the steps after it")
  func joinsByteLevel() {
    let steps: [DecoderStep] = [.byteLevel, .strip(content: Array("é".utf8), start: 1, stop: 0)]
    #expect(parts(["Ã", "©a", "Ã"], steps) == ["", "a", "", "\u{FFFD}"])
  }
}
