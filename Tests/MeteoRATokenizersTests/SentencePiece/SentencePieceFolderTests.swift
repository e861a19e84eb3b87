import Foundation
import MeteoRAFixtures
import MeteoRATokenizers
import Testing

@Suite("A SentencePiece model with the files that Transformers writes beside it")
struct SentencePieceFolderTests {
  static let golden = [
    "class", "chat-absent", "chat-legacy", "chat", "flags-legacy", "flags", "redefined",
    "no-prefix-legacy", "no-prefix", "added", "added-only", "map", "map-only", "ignored", "config",
    "drawn",
  ]

  private static func folder(_ name: String) throws -> URL {
    let pack = try #require(GoldenPack.directory)
    return pack.appendingPathComponent("tokenizer-folders/\(name)", isDirectory: true)
  }

  @Test("gives the ids of Transformers", arguments: golden)
  func encodes(name: String) throws {
    let folder = try Self.folder(name)
    let tokenizer = try Tokenizer(folder: folder)
    let cases = try GoldenCase.lines(of: folder.appendingPathComponent("cases.jsonl"))
    #expect(cases.count >= 50)
    for (index, expected) in cases.enumerated() {
      let ids = try tokenizer.encode(utf8: expected.text, addSpecialTokens: false)
      #expect(ids == expected.ids, "line \(expected.line)")
      if index % 10 == 0 {
        let all = try tokenizer.encode(utf8: expected.text)
        #expect(all == expected.withSpecial, "line \(expected.line)")
      }
    }
  }

  @Test(
    "gives the texts of Transformers, at once and in a stream", arguments: golden,
    ["cases.jsonl", "decode.jsonl"])
  func decodes(name: String, file: String) throws {
    let folder = try Self.folder(name)
    let tokenizer = try Tokenizer(folder: folder)
    let cases = try GoldenCase.lines(of: folder.appendingPathComponent(file))
    #expect(cases.count >= 40)
    for expected in cases { expected.expectTexts(of: tokenizer) }
  }

  /// A folder with the model of ``SmallSentencePieceFile``: a is 3, b 4, ab 5, ▁ 6, ▁a 7.
  private func withFolder(
    _ files: [String: String], model: SmallSentencePieceFile = SmallSentencePieceFile(),
    _ body: (URL) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-\(UInt64.random(in: 0 ... .max))", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(model.bytes).write(to: folder.appendingPathComponent("tokenizer.model"))
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    try body(folder)
  }

  @Test(
    "is SentencePiece's own while no file names Llama's class or a token that the model lacks",
    arguments: [
      [:], ["tokenizer_config.json": #"{"tokenizer_class":"T5Tokenizer","bos_token":"<s>"}"#],
      ["tokenizer_config.json": #"{"legacy":false}"#], ["added_tokens.json": #"{"ab":5}"#],
      ["special_tokens_map.json": #"{"bos_token":"<s>","pad_token":null}"#],
    ])
  func staysPlain(files: [String: String]) throws {
    try withFolder(files) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(tokenizer.encode("a</s>ab") == [1, 7, 0, 5])
      #expect(tokenizer.vocabularySize == 8)
    }
  }

  @Test(
    "counts, names and finds added tokens",
    arguments: [
      ["tokenizer_config.json": #"{"bos_token":"<x>"}"#], ["added_tokens.json": #"{"<x>":8}"#],
      ["special_tokens_map.json": #"{"pad_token":"<x>"}"#],
      ["tokenizer_config.json": #"{"added_tokens_decoder":{"8":{"content":"<x>"}}}"#],
    ])
  func addsTokens(files: [String: String]) throws {
    try withFolder(files) { folder in
      let tokenizer = try Tokenizer(contentsOf: folder)
      #expect(tokenizer.vocabularySize == 9 && tokenizer.idBound == 9)
      #expect(tokenizer.id(of: "<x>") == 8)
      #expect(tokenizer.token(of: 8) == "<x>")
      #expect(tokenizer.isSpecial(2))
      #expect(tokenizer.encode("a <x>", addSpecialTokens: false).last == 8)
      let file = try Tokenizer(contentsOf: folder.appendingPathComponent("tokenizer.model"))
      #expect(file.vocabularySize == 8)
    }
  }

  @Test("leaves the files beside a tokenizer.json unread")
  func prefersJSON() throws {
    let files = ["tokenizer.json": SmallTokenizerFile().json, "added_tokens.json": "[]"]
    try withFolder(files) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(tokenizer.encode("ab") == [3])
    }
  }

  private static func llama(_ fields: String) -> [String: String] {
    ["tokenizer_config.json": #"{"tokenizer_class":"LlamaTokenizer",\#(fields)}"#]
  }

  private static func decoder(_ entries: String) -> [String: String] {
    llama(#""added_tokens_decoder":{\#(entries)}"#)
  }

  static let broken: [([String: String], String)] = [
    (
      decoder(#""9":{"content":"<x>"}"#),
      "tokenizer_config.json: field 'added_tokens_decoder.9' gives '<x>' the id 9, expected 8, the "
        + "next free one"
    ),
    (
      decoder(#""3":{"content":"<x>"}"#),
      "field 'added_tokens_decoder.3' gives '<x>' the id 3, which "
    ),
    (
      decoder(#""8":{"content":"ab"}"#),
      "field 'added_tokens_decoder.8' gives 'ab' the id 8, expected 5, which it has already"
    ),
    (
      decoder(#""8":{"content":"<x>"},"9":{"content":"<x>"}"#),
      "field 'added_tokens_decoder.9' gives '<x>' the id 9, expected 8, which it has already"
    ),
    (
      decoder(#""8":{"content":""}"#),
      "field 'added_tokens_decoder.8' has a token without text, expected at least one character"
    ),
    (
      decoder(#""08":{"content":"<x>"}"#),
      "has the id '08', expected an integer from 0 to 4294967294"
    ),
    (decoder(#""-1":{"content":"<x>"}"#), "has the id '-1', expected an integer from 0 to"),
    (
      decoder(#""8":"<x>""#),
      "field 'added_tokens_decoder.8' is the string \"<x>\", expected an object"
    ),
    (decoder(#""8":{}"#), "field 'added_tokens_decoder.8.content' is missing"),
    (decoder(#""8":{"content":"<x>","lstrip":1}"#), "lstrip' is 1, expected true or false"),
    (decoder(#""8":{"content":"<x>","odd":1}"#), "the field 'added_tokens_decoder.8.odd' is not"),
    (
      decoder(#""8":{"content":"\#(String(repeating: "x", count: 1025))"}"#),
      "an added token of 1028 bytes after the normalizer is not supported; at most 1024 are"
    ),
    (llama(#""legacy":"no""#), "field 'legacy' is the string \"no\", expected true or false"),
    (llama(#""additional_special_tokens":"<x>""#), "expected an array"),
    (llama(#""extra_special_tokens":["<x>"]"#), "expected an object"),
    (llama(#""pad_token":7"#), "field 'pad_token' is 7, expected a string"),
    (llama(#""bos_token":null"#), "expected that file to name one as bos_token"),
    (
      llama(#""split_special_tokens":true"#),
      "\"split_special_tokens\": true is not supported; false is"
    ),
    (["added_tokens.json": "{"], "added_tokens.json:1:2 (byte 1): the document ends here"),
    (
      ["added_tokens.json": #"{"<x>":"8"}"#], "field '<x>' is the string \"8\", expected an integer"
    ),
    (
      ["added_tokens.json": #"{"<x>":8,"<y>":8}"#],
      "added_tokens.json: field '<y>' gives '<y>' the id 8, expected 9, the next free one"
    ),
    (["special_tokens_map.json": "[]"], "special_tokens_map.json:1:1 (byte 0): the document is an"),
    (
      ["tokenizer_config.json": #"{"tokenizer_class":"T5Tokenizer","pad_token":"<x>"}"#],
      "tokenizer.model: the tokenizer_class 'T5Tokenizer' of tokenizer_config.json, whose token "
        + "'<x>' it lacks, is not supported; LlamaTokenizer is, and every class saved with a "
        + "tokenizer.json"
    ),
    (
      ["tokenizer_config.json": #"{"tokenizer_class":"CodeLlamaTokenizerFast"}"#],
      "the tokenizer_class 'CodeLlamaTokenizerFast' of tokenizer_config.json is not supported"
    ),
  ]

  @Test("is refused in one sentence if a file is broken or contradicts it", arguments: broken)
  func refuses(files: [String: String], message: String) throws {
    try withFolder(files) { folder in
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
      let description = error?.description ?? ""
      #expect(description.contains(message), "\(description)")
    }
  }

  @Test("is refused if the model cannot be turned into merges")
  func refusesModels() throws {
    var long = SmallSentencePieceFile()
    long.pieces.append(.init(String(repeating: "c", count: 65), type: 3))
    var unknown = SmallSentencePieceFile()
    unknown.trainer.add(45, Array("<none>".utf8))
    var score = SmallSentencePieceFile()
    score.pieces.append(.init("[C]", .nan, type: 3))
    for (model, message) in [
      (long, "piece 8 of 65 characters is not supported; pieces of at most 64 are"),
      (unknown, "trainer_spec.unk_piece '<none>' is not there, expected a piece"),
      (score, "piece 8 '[C]' has the score NaN, expected a number"),
    ] {
      try withFolder(Self.llama(#""legacy":false"#), model: model) { folder in
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
        #expect(error?.description.hasSuffix("tokenizer.model: \(message)") == true)
        _ = try Tokenizer(contentsOf: folder.appendingPathComponent("tokenizer.model"))
      }
    }
  }

  @Test("is refused, or works, with bytes of its files changed at random")
  func survivesMutations() throws {
    let files = [
      "tokenizer_config.json":
        #"{"tokenizer_class":"LlamaTokenizer","legacy":false,"add_prefix_space":true,"#
        + #""bos_token":"<s>","additional_special_tokens":["<y>",{"content":"b"}]}"#,
      "special_tokens_map.json":
        #"{"eos_token":{"content":"<e>","lstrip":true,"normalized":true},"pad_token":"<p>"}"#,
      "added_tokens.json": #"{"<x>":8,"ab":5,"<y>":9}"#,
    ]
    var model = SmallSentencePieceFile()
    model.pieces[6].type = 4
    var loaded = 0
    try withFolder(files, model: model) { folder in
      let names = files.keys.sorted() + ["tokenizer.model"]
      for seed in 0..<800 as Range<UInt64> {
        var random = SeededRandom(seed: seed)
        let name = names[Int(seed) % names.count]
        var bytes = files[name].map { Array($0.utf8) } ?? model.bytes
        let original = bytes
        for _ in 0...Int.random(in: 0...1, using: &random) {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<3, using: &random) {
          case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
          case 1: bytes.remove(at: place)
          default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: place)
          }
        }
        try Data(bytes).write(to: folder.appendingPathComponent(name))
        defer { try? Data(original).write(to: folder.appendingPathComponent(name)) }
        let tokenizer: Tokenizer
        do throws(TokenizerError) {
          tokenizer = try Tokenizer(folder: folder)
        } catch {
          #expect(error.description.hasPrefix(folder.path), "seed \(seed)")
          continue
        }
        loaded += 1
        let ids = tokenizer.encode("ab <x> <y>c<e>  </s>▁ab\u{301} b")
        _ = try tokenizer.decode(checking: ids, skipSpecialTokens: true)
        #expect(ids.allSatisfy { $0 < tokenizer.idBound }, "seed \(seed)")
      }
    }
    #expect((100..<700).contains(loaded), "\(loaded)")
  }
}
