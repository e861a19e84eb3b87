import MeteoRATokenizers
import Testing

/// A change of the small file that asks for what is not supported, and the message.
struct UnsupportedChange: CustomTestStringConvertible, Sendable {
  let key: String
  let json: String
  let message: String

  var testDescription: String { "\(key): \(json.prefix(60))" }

  init(_ key: String, _ json: String, _ message: String) {
    (self.key, self.json, self.message) = (key, json, message)
  }
}

@Suite("A tokenizer.json with what is not supported")
struct UnsupportedFileTests {
  static let changes = [
    UnsupportedChange("truncation", "{}", "truncation is not supported; null is"),
    UnsupportedChange(
      "padding", #"{"strategy":"BatchLongest"}"#, "padding is not supported; null is"),
    UnsupportedChange(
      "normalizer", #"{"type":"NFC"}"#, "normalizer type 'NFC' is not supported; null is"),
    UnsupportedChange(
      "normalizer", #"{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"x"}]}"#,
      "normalizer type 'Prepend' is not supported; null is"),
    UnsupportedChange(
      "pre_tokenizer", #"{"type":"Metaspace"}"#,
      "pre_tokenizer type 'Metaspace' is not supported; Split, ByteLevel and Sequence are"),
    UnsupportedChange(
      "pre_tokenizer", split(pattern: #"{"Regex":"\\p{L}+"}"#),
      #"Split pattern '\p{L}+' is not supported; those of GPT-2, Llama 3 and Qwen2 are"#),
    UnsupportedChange(
      "pre_tokenizer", split(pattern: #"{"String":" "}"#),
      "the field 'pre_tokenizer.pattern.String' is not supported; Regex is"),
    UnsupportedChange(
      "pre_tokenizer", split(behavior: "Removed"),
      "Split behavior 'Removed' is not supported; Isolated is"),
    UnsupportedChange(
      "pre_tokenizer", split(invert: true), "Split with invert true is not supported; false is"),
    UnsupportedChange(
      "post_processor", #"{"type":"BertProcessing"}"#,
      "post_processor type 'BertProcessing' is not supported; "
        + "ByteLevel, TemplateProcessing and Sequence are"),
    UnsupportedChange(
      "post_processor", #"{"type":"Sequence","processors":[\#(template),\#(template)]}"#,
      "a second TemplateProcessing is not supported; one is"),
    UnsupportedChange(
      "decoder", #"{"type":"Metaspace"}"#, "decoder type 'Metaspace' is not supported; ByteLevel is"
    ),
    UnsupportedChange(
      "post", "null",
      "the field 'post' is not supported; version, truncation, "
        + "padding, added_tokens, normalizer, pre_tokenizer, post_processor, decoder and model are"),
    UnsupportedChange(
      "model.type", #""Unigram""#, "model type 'Unigram' is not supported; BPE is"),
    UnsupportedChange("model.type", #""bpe""#, "model type 'bpe' is not supported; BPE is"),
    UnsupportedChange("model.dropout", "0.1", "model.dropout is not supported; null is"),
    UnsupportedChange("model.dropout", "0", "model.dropout is not supported; null is"),
    UnsupportedChange(
      "model.continuing_subword_prefix", #""@@""#,
      #"a model.continuing_subword_prefix is not supported; null and "" are"#),
    UnsupportedChange(
      "model.end_of_word_suffix", #""</w>""#,
      #"a model.end_of_word_suffix is not supported; null and "" are"#),
    UnsupportedChange(
      "model.cache", "1",
      "the field 'model.cache' is not supported; type, dropout, unk_token, "
        + "continuing_subword_prefix, end_of_word_suffix, fuse_unk, byte_fallback, ignore_merges, "
        + "vocab and merges are"),
    UnsupportedChange(
      "added_tokens", "[\(SmallTokenizerFile.added(5, String(repeating: "x", count: 1025)))]",
      "added_tokens[0].content of 1025 bytes is not supported; at most 1024 are"),
    UnsupportedChange(
      "added_tokens", #"[{"id":5,"content":"x","normalised":true}]"#,
      "the field 'added_tokens[0].normalised' is not supported; id, content, single_word, lstrip, "
        + "rstrip, normalized and special are"),
  ]

  private static let template =
    #"{"type":"TemplateProcessing","single":[],"pair":[],"#
    + #""special_tokens":{}}"#

  private static func split(
    pattern: String = #"{"Regex":"\\s+"}"#, behavior: String = "Isolated", invert: Bool = false
  ) -> String {
    #"{"type":"Split","pattern":\#(pattern),"behavior":"\#(behavior)","invert":\#(invert)}"#
  }

  @Test("is refused by name", arguments: changes)
  func isRefused(change: UnsupportedChange) throws {
    let error = #expect(throws: TokenizerError.self) {
      try SmallTokenizerFile(change.key, change.json).load()
    }
    #expect(error?.description == "tokenizer.json: " + change.message)
  }

  @Test("refuses patterns that differ in one character from a known one")
  func refusesSimilarPatterns() throws {
    let json = try GoldenTokenizer.json("tiny-llama3")
    #expect(throws: Never.self) { try Tokenizer(json: Array(json.utf8)) }
    for (part, other) in [
      ("{1,3}", "{1,2}"), ("(?i:'s", "(?:'s"), (#"]?\\p{L}"#, #"]*\\p{L}"#), (#"\\s+""#, #"\\s*""#),
    ] {
      let changed = json.replacing(part, with: other)
      #expect(changed != json)
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(changed.utf8)) }
      #expect(error?.description.contains("Split pattern '") == true)
    }
  }
}
