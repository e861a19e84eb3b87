import MeteoRATokenizers
import Testing

@Suite("A stream decoder")
struct StreamDecoderTests {
  /// The id of one byte in a byte-level vocabulary.
  private func id(of byte: UInt8, in tokenizer: Tokenizer) throws -> Int {
    let printable = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF] as [ClosedRange<UInt8>]
    let others = (0...255 as ClosedRange<UInt8>).filter { byte in
      !printable.contains { $0.contains(byte) }
    }
    let value = others.firstIndex(of: byte).map { 0x100 + UInt32($0) } ?? UInt32(byte)
    let scalar = try #require(Unicode.Scalar(value))
    return try #require(tokenizer.id(of: String(scalar)))
  }

  @Test("shows text as soon as no id can change it")
  func showsEarly() throws {
    let tokenizer = try GoldenTokenizer(name: "tiny-llama3").load()
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    for (byte, text) in [
      (0x61, "a"), (0xE2, ""), (0x82, ""), (0xAC, "€"), (0xC3, ""), (0x61, "\u{FFFD}a"),
      (0xF0, ""), (0x9F, ""), (0x98, ""), (0x80, "😀"), (0xFF, "\u{FFFD}"), (0xE0, ""),
      (0x80, "\u{FFFD}\u{FFFD}"), (0xE2, ""), (0x82, ""),
    ] as [(UInt8, String)] {
      #expect(decoder.append(try id(of: byte, in: tokenizer)) == text)
    }
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.finish() == "")
  }

  @Test("keeps a character together over special tokens that are skipped")
  func skipsSpecialTokens() throws {
    let tokenizer = try GoldenTokenizer(name: "tiny-llama3").load()
    let end = try #require(tokenizer.id(of: "<|eot_id|>"))
    let ids = [try id(of: 0xC3, in: tokenizer), end, try id(of: 0xA9, in: tokenizer)]
    var skipping = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    #expect(ids.map { skipping.append($0) } == ["", "", "é"])
    var showing = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
    #expect(ids.map { showing.append($0) } == ["", "\u{FFFD}<|eot_id|>", "\u{FFFD}"])
  }

  @Test("begins anew after its end, and copies are independent")
  func beginsAnew() throws {
    let tokenizer = try GoldenTokenizer(name: "plain-unknown").load()
    let ids = tokenizer.encode("ab", addSpecialTokens: false) + [1]
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
    #expect(ids.map { decoder.append($0) } == ["ab", " a"])
    var copy = decoder
    #expect(decoder.finish() == "")
    #expect(decoder.append(1) == "a")
    #expect(copy.append(1) == " a")
    #expect(decoder.append(-1) == "")
  }
}
