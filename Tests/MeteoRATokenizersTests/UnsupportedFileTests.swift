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
      "normalizer", #"{"type":"Precompiled","precompiled_charsmap":""}"#,
      "normalizer type 'Precompiled' is not supported; Replace, Prepend, Strip, NFC, NFD, NFKC, "
        + "NFKD, Lowercase, StripAccents and Sequence are"),
    UnsupportedChange(
      "normalizer", #"{"type":"Sequence","normalizers":[{"type":"NFC","version":15}]}"#,
      "the field 'normalizer.normalizers[0].version' is not supported; type is"),
    UnsupportedChange(
      "normalizer", #"{"type":"Replace","pattern":{"Regex":"(?<=a)b"},"content":""}"#,
      "the Replace pattern '(?<=a)b' is not supported; it has a group of this kind, at byte 0 of it"
    ),
    UnsupportedChange(
      "normalizer", #"{"type":"Prepend","prepend":""}"#,
      "an empty normalizer.prepend is not supported; a text is"),
    UnsupportedChange(
      "pre_tokenizer", #"{"type":"BertPreTokenizer"}"#,
      "pre_tokenizer type 'BertPreTokenizer' is not supported; Split, ByteLevel, Metaspace, Digits, "
        + "Punctuation, Whitespace, WhitespaceSplit and Sequence are"),
    UnsupportedChange(
      "pre_tokenizer", split(pattern: #"{"Regex":"a|\\bb"}"#),
      #"the Split pattern 'a|\bb' is not supported; it has an escape of this kind, at byte 2 of it"#
    ),
    UnsupportedChange(
      "pre_tokenizer", split(pattern: #"{"Glob":"*"}"#),
      "the field 'pre_tokenizer.pattern.Glob' is not supported; String and Regex are"),
    UnsupportedChange(
      "post_processor", #"{"type":"BertProcessing"}"#,
      "post_processor type 'BertProcessing' is not supported; "
        + "ByteLevel, TemplateProcessing and Sequence are"),
    UnsupportedChange(
      "post_processor", #"{"type":"Sequence","processors":[\#(template),\#(template)]}"#,
      "a second TemplateProcessing is not supported; one is"),
    UnsupportedChange(
      "decoder", #"{"type":"WordPiece","prefix":"-","cleanup":true}"#,
      "decoder type 'WordPiece' is not supported; ByteLevel, Metaspace, Replace, ByteFallback, Fuse, "
        + "Strip and Sequence are"),
    UnsupportedChange(
      "post", "null",
      "the field 'post' is not supported; version, truncation, "
        + "padding, added_tokens, normalizer, pre_tokenizer, post_processor, decoder and model are"),
    UnsupportedChange(
      "model.type", #""Unigram""#, "model type 'Unigram' is not supported; BPE is"),
    UnsupportedChange("model.type", #""bpe""#, "model type 'bpe' is not supported; BPE is"),
    UnsupportedChange(
      "model.vocab", #"{"a":0,"\#(String(repeating: "b", count: 65_537))":1}"#,
      "a token of model.vocab of 65537 bytes is not supported; at most 65536 are"),
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

  private static func split(pattern: String) -> String {
    #"{"type":"Split","pattern":\#(pattern),"behavior":"Isolated","invert":false}"#
  }

  @Test("is refused by name", arguments: changes)
  func isRefused(change: UnsupportedChange) throws {
    let error = #expect(throws: TokenizerError.self) {
      try SmallTokenizerFile(change.key, change.json).load()
    }
    #expect(error?.description == "tokenizer.json: " + change.message)
  }

  @Test("is refused if a normalizer leaves nothing of an added token")
  func refusesRemovedAddedToken() {
    var file = SmallTokenizerFile(
      "normalizer", #"{"type":"Strip","strip_left":false,"strip_right":true}"#)
    file.set("added_tokens", "[\(SmallTokenizerFile.added(5, "\\n", "normalized"))]")
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    #expect(
      error?.description
        == #"tokenizer.json: added_tokens[0].content '\u{A}', of which the normalizer "#
        + #"leaves nothing, is not supported; "normalized": false is"#)
    file.set("added_tokens", "[\(SmallTokenizerFile.added(5, "\\n"))]")
    #expect(throws: Never.self) { try file.load() }
  }

  /// The library prepends to both halves of "ﬁ", as both come from the begin of the text.
  @Test("is refused if what one character became is cut before Metaspace with 'first'")
  func refusesCutExpansion() throws {
    let metaspace = #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}"#
    let always = #"{"type":"Metaspace","replacement":"_","prepend_scheme":"always"}"#
    let split = #"{"type":"Split","pattern":{"String":"i"},"behavior":"Isolated","invert":false}"#
    let bytes = #"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}"#
    func sequence(_ steps: String...) -> String {
      #"{"type":"Sequence","pretokenizers":[\#(steps.joined(separator: ","))]}"#
    }
    func replace(_ content: String) -> String {
      #"{"type":"Replace","pattern":{"String":"a"},"content":"\#(content)"}"#
    }
    let token = SmallTokenizerFile.added(5, "e", "normalized")
    let cases: [(normalizer: String, preTokenizer: String, added: String, isTaken: Bool)] = [
      (#"{"type":"NFKC"}"#, sequence(split, metaspace), "", false),
      (#"{"type":"Lowercase"}"#, sequence(split, metaspace), "", false),
      (#"{"type":"Prepend","prepend":"x"}"#, sequence(split, metaspace), "", false),
      (replace("bc"), sequence(split, metaspace), "", false),
      ("null", sequence(bytes, metaspace), "", false),
      ("null", sequence(always, metaspace), "", false),
      ("null", sequence(metaspace, metaspace), "", false),
      (#"{"type":"NFD"}"#, metaspace, token, false),
      ("null", sequence(split, metaspace), token, true),
      (replace("é"), sequence(split, metaspace), token, true),
      (#"{"type":"NFKC"}"#, metaspace, SmallTokenizerFile.added(5, "e"), true),
      (#"{"type":"NFKC"}"#, sequence(metaspace, split), "", true),
    ]
    for (normalizer, preTokenizer, added, isTaken) in cases {
      var file = SmallTokenizerFile("normalizer", normalizer)
      file.set("pre_tokenizer", preTokenizer)
      file.set("added_tokens", "[\(added)]")
      if isTaken {
        #expect(throws: Never.self, "\(normalizer) \(preTokenizer)") { try file.load() }
      } else {
        let error = #expect(throws: TokenizerError.self, "\(normalizer) \(preTokenizer)") {
          try file.load()
        }
        #expect(error?.description.contains("several characters for one") == true)
      }
    }
  }

  @Test("is refused if Metaspace asks for the begin of a text that a normalizer can remove")
  func refusesUntrackedBegin() throws {
    var file = SmallTokenizerFile(
      "pre_tokenizer", #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}"#)
    #expect(throws: Never.self) { try file.load() }
    for (normalizer, isTaken) in [
      (#"{"type":"Strip","strip_left":true,"strip_right":false}"#, false),
      (#"{"type":"StripAccents"}"#, false),
      (#"{"type":"Replace","pattern":{"String":"a"},"content":""}"#, false),
      (#"{"type":"Replace","pattern":{"String":"''"},"content":"a"}"#, false),
      (#"{"type":"Replace","pattern":{"Regex":"'+"},"content":"a"}"#, false),
      (#"{"type":"Replace","pattern":{"String":"é"},"content":"ab"}"#, true),
      (#"{"type":"NFKC"}"#, true),
    ] {
      file.set("normalizer", normalizer)
      if isTaken {
        #expect(throws: Never.self, "\(normalizer)") { try file.load() }
      } else {
        let error = #expect(throws: TokenizerError.self, "\(normalizer)") { try file.load() }
        #expect(error?.description.contains("Metaspace with prepend_scheme 'first'") == true)
      }
    }
  }
}
