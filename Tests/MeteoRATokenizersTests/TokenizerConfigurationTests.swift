import Foundation
import MeteoRAFixtures
import MeteoRATokenizers
import Testing

@Suite("A tokenizer_config.json beside a tokenizer.json")
struct TokenizerConfigurationTests {
  static let golden = [
    "llama", "llama-both", "llama-neither", "llama-end", "llama-standard", "fast-objects",
    "fast-no-begin", "llama-null", "code-llama", "plain-both", "plain-neither",
  ]

  @Test("changes the special tokens as Transformers does", arguments: golden)
  func agrees(name: String) throws {
    let pack = try #require(GoldenPack.directory)
    let folder = pack.appendingPathComponent("configurations/\(name)", isDirectory: true)
    let tokenizer = try Tokenizer(folder: folder)
    let cases = try GoldenCase.lines(of: folder.appendingPathComponent("cases.jsonl"))
    #expect(cases.count == 6)
    for expected in cases {
      let plain = try tokenizer.encode(utf8: expected.text, addSpecialTokens: false)
      #expect(plain == expected.ids, "line \(expected.line)")
      #expect(
        try tokenizer.encode(utf8: expected.text) == expected.withSpecial, "line \(expected.line)")
    }
  }

  /// A folder with a tokenizer.json of the tokens a, b, c, ab, space and `<s>`, which is 5.
  private func withFolder(_ configuration: String, _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-\(UInt64.random(in: 0 ... .max))", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = SmallTokenizerFile("added_tokens", "[\(SmallTokenizerFile.added(5, "<s>"))]")
    try Data(file.json.utf8).write(to: folder.appendingPathComponent("tokenizer.json"))
    try Data(configuration.utf8).write(
      to: folder.appendingPathComponent("tokenizer_config.json"))
    try body(folder)
  }

  @Test("names the tokens that begin and end a text")
  func namesTokens() throws {
    try withFolder(#"{"bos_token":"<s>","eos_token":{"content":"ab"}}"#) { folder in
      let tokenizer = try Tokenizer(contentsOf: folder)
      #expect(tokenizer.beginID == 5)
      #expect(tokenizer.endID == 3)
      #expect(tokenizer.encode("ab") == [3])
      let file = try Tokenizer(contentsOf: folder.appendingPathComponent("tokenizer.json"))
      #expect(file.beginID == nil && file.endID == nil)
    }
  }

  static let broken = [
    ("{", "tokenizer_config.json:1:2 (byte 1): the document ends here, expected a key in quotes"),
    ("[]", "tokenizer_config.json:1:1 (byte 0): the document is an array, expected an object"),
    (#"{"add_bos_token":"yes"}"#, #"field 'add_bos_token' is the string "yes", expected true or"#),
    (#"{"add_eos_token":1}"#, "field 'add_eos_token' is 1, expected true or false"),
    (#"{"tokenizer_class":3}"#, "field 'tokenizer_class' is 3, expected a string"),
    (#"{"bos_token":7}"#, "field 'bos_token' is 7, expected a string"),
    (#"{"eos_token":{}}"#, "field 'eos_token.content' is missing"),
    (
      #"{"bos_token":"<x>"}"#,
      "tokenizer.json: has no token '<x>', which tokenizer_config.json names as bos_token"
    ),
    (
      #"{"eos_token":"é\u0000"}"#,
      "tokenizer.json: has no token 'é\\u{0}', which tokenizer_config.json names as eos_token"
    ),
    (
      #"{"tokenizer_class":"LlamaTokenizer","bos_token":null}"#,
      "tokenizer.json: has no token for add_bos_token of tokenizer_config.json, expected that file "
        + "to name one as bos_token"
    ),
    (
      #"{"tokenizer_class":"LlamaTokenizer","add_eos_token":true}"#,
      "tokenizer.json: has no token for add_eos_token of tokenizer_config.json, expected that file "
        + "to name one as eos_token"
    ),
  ]

  @Test("is refused in one sentence if it is broken", arguments: broken)
  func refuses(configuration: String, message: String) throws {
    try withFolder(configuration) { folder in
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
      let description = error?.description ?? ""
      #expect(description.contains(message), "\(description)")
    }
  }

  @Test("is named, as the tokenizer is, if it is a link that leads nowhere")
  func namesBrokenLinks() throws {
    try withFolder("{}") { folder in
      for name in ["tokenizer_config.json", "tokenizer.json"] {
        let link = folder.appendingPathComponent(name)
        try FileManager.default.removeItem(at: link)
        try FileManager.default.createSymbolicLink(
          at: link, withDestinationURL: folder.appendingPathComponent("nowhere"))
        try Data().write(to: folder.appendingPathComponent("tokenizer.model"))
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
        #expect(error?.description.hasPrefix("\(link.path): ") == true)
        try FileManager.default.removeItem(at: link)
        try Data(SmallTokenizerFile().json.utf8).write(to: link)
      }
    }
  }
}
