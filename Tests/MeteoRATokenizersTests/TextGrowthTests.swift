import Testing

@testable import MeteoRATokenizers

@Suite("A tokenizer.json that makes texts longer")
struct TextGrowthTests {
  private static func replace(_ pattern: String, _ content: String, isRegex: Bool = false) -> String
  {
    #"{"type":"Replace","pattern":{"\#(isRegex ? "Regex" : "String")":"\#(pattern)"},"#
      + #""content":"\#(content)"}"#
  }

  private static func sequence(_ key: String, _ steps: [String]) -> String {
    #"{"type":"Sequence","\#(key)":[\#(steps.joined(separator: ","))]}"#
  }

  private static func normalizers(_ steps: String...) -> String { sequence("normalizers", steps) }

  private static func doubling(_ times: Int) -> [String] {
    [String](repeating: replace("a", "aa"), count: times)
  }

  private static func metaspace(_ scheme: String = "always", split: Bool = true) -> String {
    #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"\#(scheme)","split":\#(split)}"#
  }

  private static func byteLevel(prefix: Bool = false, regex: Bool = false) -> String {
    #"{"type":"ByteLevel","add_prefix_space":\#(prefix),"trim_offsets":true,"use_regex":\#(regex)}"#
  }

  private static let letters =
    #"{"type":"Split","pattern":{"Regex":"."},"behavior":"Isolated","invert":false}"#

  private static let text = #"{"Sequence":{"id":"A","type_id":0}}"#

  private static func template(_ single: [String], ids: Int = 1) -> String {
    let numbers = [String](repeating: "0", count: ids).joined(separator: ",")
    let tokens = [String](repeating: #""a""#, count: ids).joined(separator: ",")
    return #"{"type":"TemplateProcessing","single":[\#(single.joined(separator: ","))],"pair":[],"#
      + #""special_tokens":{"a":{"id":"a","ids":[\#(numbers)],"tokens":[\#(tokens)]}}}"#
  }

  private static func grown(_ times: String, by steps: String = "a normalizer and pre_tokenizer")
    -> String
  {
    "\(steps) that can make a text \(times) times as long is not supported; up to 128 times is"
  }

  static let refused = [
    UnsupportedChange("normalizer", sequence("normalizers", doubling(8)), grown("256")),
    UnsupportedChange("normalizer", sequence("normalizers", doubling(36)), grown("68719476736")),
    UnsupportedChange(
      "normalizer", sequence("normalizers", doubling(64)), grown("more than 10^15")),
    UnsupportedChange(
      "normalizer", sequence("normalizers", doubling(65)),
      "a normalizer of 65 steps is not supported; at most 64 are"),
    UnsupportedChange(
      "normalizer",
      normalizers(sequence("normalizers", doubling(40)), sequence("normalizers", doubling(25))),
      "a normalizer of 65 steps is not supported; at most 64 are"),
    UnsupportedChange(
      "normalizer", replace("q", String(repeating: "x", count: 129)), grown("129")),
    UnsupportedChange(
      "normalizer", replace("qr", String(repeating: "x", count: 258)), grown("129")),
    UnsupportedChange(
      "normalizer", replace("q|[^a]", String(repeating: "x", count: 129), isRegex: true),
      grown("129")),
    UnsupportedChange(
      "normalizer",
      normalizers(replace("ab", "baba"), replace("ba", String(repeating: "c", count: 140))),
      grown("140")),
    UnsupportedChange(
      "normalizer", #"{"type":"Prepend","prepend":"\#(String(repeating: "x", count: 128))"}"#,
      grown("129")),
    UnsupportedChange(
      "normalizer",
      normalizers(replace("a", String(repeating: "ﬁ", count: 4)), #"{"type":"NFKC"}"#),
      grown("132")
    ),
    UnsupportedChange(
      "normalizer",
      normalizers(
        #"{"type":"NFKC"}"#, replace("b", "\u{FDFA}"),
        #"{"type":"NFKC"}"#),
      grown("143")),
    UnsupportedChange(
      "pre_tokenizer", sequence("pretokenizers", [String](repeating: byteLevel(), count: 8)),
      grown("256")),
    UnsupportedChange(
      "pre_tokenizer",
      sequence("pretokenizers", [String](repeating: letters + "," + metaspace(), count: 8)),
      grown("98304")),
    UnsupportedChange(
      "pre_tokenizer", sequence("pretokenizers", [String](repeating: letters, count: 65)),
      "a pre_tokenizer of 65 steps is not supported; at most 64 are"),
    UnsupportedChange(
      "decoder", sequence("decoders", doubling(8)), grown("256", by: "a decoder")),
    UnsupportedChange(
      "decoder", sequence("decoders", [#"{"type":"Fuse"}"#] + doubling(36)),
      grown("68719476736", by: "a decoder")),
    UnsupportedChange(
      "decoder", sequence("decoders", doubling(65)),
      "a decoder of 65 steps is not supported; at most 64 are"),
    UnsupportedChange(
      "post_processor", template([#"{"SpecialToken":{"id":"a","type_id":0}}"#], ids: 1025),
      "a post_processor that adds 1025 ids is not supported; at most 1024 are"),
    UnsupportedChange(
      "post_processor",
      template(
        [String](repeating: #"{"SpecialToken":{"id":"a","type_id":0}}"#, count: 33), ids: 32),
      "a post_processor that adds 1056 ids is not supported; at most 1024 are"),
    UnsupportedChange(
      "post_processor", template([String](repeating: text, count: 5)),
      "a post_processor that has the text 5 times is not supported; at most 4 times is"),
  ]

  @Test("is refused if that has no end", arguments: refused)
  func isRefused(change: UnsupportedChange) throws {
    let error = #expect(throws: TokenizerError.self) {
      try SmallTokenizerFile(change.key, change.json).load()
    }
    #expect(error?.description == "tokenizer.json: " + change.message)
  }

  @Test(
    "is taken if all normalizers of a common file come before its pre_tokenizer",
    arguments: [
      byteLevel(prefix: true, regex: true), metaspace(),
      sequence("pretokenizers", [letters, metaspace()]),
    ])
  func takesBoth(preTokenizer: String) {
    var file = SmallTokenizerFile(
      "normalizer",
      Self.normalizers(
        #"{"type":"NFKC"}"#, #"{"type":"Lowercase"}"#, Self.replace("\\n", " <newline> ")))
    file.set("pre_tokenizer", preTokenizer)
    #expect(throws: Never.self) { try file.load() }
  }

  @Test("is refused if a normalizer makes an added token too long")
  func refusesLongAddedToken() {
    var file = SmallTokenizerFile(
      "normalizer", Self.replace("q", String(repeating: "a", count: 60)))
    let added = SmallTokenizerFile.added(5, String(repeating: "q", count: 18), "normalized")
    file.set("added_tokens", "[\(added)]")
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    #expect(
      error?.description == "tokenizer.json: added_tokens[0].content of 1080 bytes after the "
        + "normalizer is not supported; at most 1024 are")
    let plain = SmallTokenizerFile.added(5, String(repeating: "q", count: 18))
    file.set("added_tokens", "[\(plain)]")
    #expect(throws: Never.self) { try file.load() }
  }

  @Test("is refused if its added tokens are too long in all")
  func refusesManyLongAddedTokens() {
    var file = SmallTokenizerFile(
      "normalizer", Self.replace("q", String(repeating: "a", count: 64)))
    let added = (0..<8800).map { number in
      SmallTokenizerFile.added(5 + number, "\(number)qqqqqqqqqqqqqqq", "normalized")
    }
    file.set("added_tokens", "[\(added.joined(separator: ","))]")
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    #expect(
      error?.description == "tokenizer.json: added_tokens whose contents have more than 8388608 "
        + "bytes in all is not supported; fewer are")
  }

  @Test(
    "is taken if it does what files in use do, and more",
    arguments: [
      ("normalizer", normalizers(#"{"type":"Prepend","prepend":"▁"}"#, replace(" ", "▁"))),
      (
        "normalizer",
        normalizers(
          #"{"type":"NFKD"}"#, #"{"type":"StripAccents"}"#, #"{"type":"Lowercase"}"#,
          #"{"type":"NFKC"}"#, replace(#"\\s+"#, " ", isRegex: true), replace(" ", "▁"),
          replace("\\n", "<0x0A>"), replace("\\t", "<tab>"))
      ),
      (
        "normalizer",
        normalizers(
          #"{"type":"NFKC"}"#, #"{"type":"Lowercase"}"#, #"{"type":"Prepend","prepend":"▁"}"#,
          replace(" ", "▁"))
      ),
      (
        "normalizer",
        normalizers(
          #"{"type":"NFKC"}"#, replace("[A-Z]", "#", isRegex: true), #"{"type":"NFKD"}"#,
          #"{"type":"Prepend","prepend":"▁"}"#, #"{"type":"NFKD"}"#)
      ),
      ("normalizer", sequence("normalizers", doubling(7))),
      ("normalizer", sequence("normalizers", [String](repeating: replace("a", "b"), count: 64))),
      ("normalizer", replace("q", String(repeating: "x", count: 128))),
      ("normalizer", sequence("normalizers", [])),
      ("pre_tokenizer", byteLevel(prefix: true, regex: true)),
      (
        "pre_tokenizer",
        sequence("pretokenizers", [letters, byteLevel(prefix: true, regex: true)])
      ),
      ("pre_tokenizer", sequence("pretokenizers", [letters, metaspace()])),
      (
        "decoder",
        sequence(
          "decoders",
          [
            replace("▁", " "), #"{"type":"ByteFallback"}"#, #"{"type":"Fuse"}"#,
            #"{"type":"Strip","content":" ","start":1,"stop":0}"#,
          ])
      ),
      ("decoder", byteLevel()),
      ("post_processor", template([text, text], ids: 1)),
    ])
  func isTaken(key: String, json: String) {
    #expect(throws: Never.self) { try SmallTokenizerFile(key, json).load() }
  }

  /// What is known of steps is never less than what they do.
  @Test(
    "grows no text by more than is known when it is opened",
    arguments: [
      sequence("normalizers", doubling(5)), replace("ab", "xyzw"),
      normalizers(replace("a", "ab"), replace("b", "aa"), #"{"type":"Prepend","prepend":"▁"}"#),
      normalizers(#"{"type":"NFKD"}"#, #"{"type":"Lowercase"}"#, replace(" ", "▁")),
      normalizers(replace("[ab]{2}", "ababab", isRegex: true), replace("a", "bbb")),
    ])
  func growsNoMore(normalizer: String) throws {
    let json = SmallTokenizerFile("normalizer", normalizer).json
    let root = try TokenizerField(json: Array(json.utf8), source: "tokenizer.json")
    let steps = try #require(try readNormalizer(try root.optional("normalizer")))
    var growth = TextGrowth()
    steps.precede(&growth)
    let parts = ["a", "b", "ab", "İ", "\u{FDFA}", " ", "字", "\u{1D160}"]
    var random = SeededRandom(seed: 11)
    for length in 1..<200 {
      let text = (0..<length % 12 + 1).flatMap { _ in
        Array(parts[Int.random(in: 0..<parts.count, using: &random)].utf8)
      }
      #expect(Double(steps.normalize(text).count) <= growth.factor * Double(text.count))
    }
    #expect(Double(steps.normalize(Array("\u{FDFA}".utf8)).count) <= growth.factor * 3)
  }

  @Test(
    "nor do normalizer and pre_tokenizer together, with an added token between all characters",
    arguments: [
      byteLevel(prefix: true, regex: true), byteLevel(), metaspace(),
      sequence("pretokenizers", [letters, metaspace()]),
      sequence("pretokenizers", [metaspace(), letters, byteLevel(prefix: true, regex: false)]),
      sequence("pretokenizers", [metaspace(), metaspace()]),
    ], [nil, #"{"type":"NFKC"}"#, normalizers(#"{"type":"Lowercase"}"#, #"{"type":"NFKD"}"#)])
  func growsNoMoreInPieces(preTokenizer: String, normalizer: String?) throws {
    var file = SmallTokenizerFile("pre_tokenizer", preTokenizer)
    if let normalizer { file.set("normalizer", normalizer) }
    let root = try TokenizerField(json: Array(file.json.utf8), source: "tokenizer.json")
    let normalizer = try readNormalizer(try root.optional("normalizer"))
    let steps = try readPreTokenizers(try root.optional("pre_tokenizer"))
    var growth = TextGrowth()
    for step in steps.reversed() { step.precede(&growth) }
    growth.cut()
    normalizer?.precede(&growth)
    for text in ["a", "a a", "a\u{80}b", " ", "字", "\u{FDFA}", "\u{33AF}İ\u{1D160}", "a\u{301}"] {
      let bytes = Array(text.utf8)
      let normalized = normalizer?.normalize(bytes) ?? bytes
      // The most that added tokens can cut is every character.
      var count = 0
      for scalar in String(decoding: normalized, as: UTF8.self).unicodeScalars {
        var pieces = PieceList(Array(String(scalar).utf8))
        for step in steps { step.apply(to: &pieces) }
        count += pieces.bytes.count
      }
      #expect(Double(count) <= growth.factor * Double(bytes.count), "\(text)")
      var pieces = PieceList(normalized)
      for step in steps { step.apply(to: &pieces) }
      #expect(Double(pieces.bytes.count) <= growth.factor * Double(bytes.count), "\(text)")
    }
  }

  private static let longLetters = "rads2".map {
    replace(String($0), String(repeating: "x", count: 30))
  }

  @Test(
    "counts no more than one text can reach",
    arguments: [
      (#"{"type":"NFD"}"#, "\u{390}"), (#"{"type":"NFKC"}"#, "\u{FDFA}"),
      (#"{"type":"Lowercase"}"#, "\u{23A}"),
      (normalizers(#"{"type":"NFD"}"#, replace("U", "xxx")), "\u{1D5}"),
      (sequence("normalizers", [#"{"type":"NFKD"}"#] + longLetters), "\u{33AF}"),
      (normalizers(#"{"type":"Lowercase"}"#, replace("i", "xx")), "\u{130}"),
      (replace("ab", "xyzw"), "ab"), (#"{"type":"Prepend","prepend":"▁"}"#, "a"),
    ])
  func isReached(normalizer: String, text: String) throws {
    let json = SmallTokenizerFile("normalizer", normalizer).json
    let root = try TokenizerField(json: Array(json.utf8), source: "tokenizer.json")
    let steps = try #require(try readNormalizer(try root.optional("normalizer")))
    var growth = TextGrowth()
    steps.precede(&growth)
    let bytes = Array(text.utf8)
    let reached = Double(steps.normalize(bytes).count) / Double(bytes.count)
    #expect(abs(growth.factor - reached) < 1e-9)
  }

  @Test("a byte of ByteLevel's decoder counts as the half of U+FFFD, which two can become")
  func countsByteLevelDecoder() {
    var growth = TextGrowth()
    DecoderStep.byteLevel.precede(&growth)
    #expect(growth.factor == 1.5)
  }
}
