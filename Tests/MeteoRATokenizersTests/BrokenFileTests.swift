import Foundation
import MeteoRATokenizers
import Testing

/// A change that breaks the small file, and what the message ends in after the place.
struct BrokenChange: CustomTestStringConvertible, Sendable {
  let key: String
  let json: String?
  let message: String

  var testDescription: String { "\(key): \((json ?? "absent").prefix(60))" }

  init(_ key: String, _ json: String?, _ message: String) {
    (self.key, self.json, self.message) = (key, json, message)
  }
}

@Suite("A tokenizer.json that is broken")
struct BrokenFileTests {
  static let vocabularies = [
    BrokenChange("model.vocab", nil, "field 'model.vocab' is missing"),
    BrokenChange("model.vocab", "[]", "field 'model.vocab' is an array, expected an object"),
    BrokenChange(
      "model.vocab", #"{"a":-1}"#,
      "field 'model.vocab.a' is -1, expected an integer from 0 to 4294967294"),
    BrokenChange(
      "model.vocab", #"{"a":1099511627776}"#,
      "field 'model.vocab.a' is 1099511627776, expected an integer from 0 to 4294967294"),
    BrokenChange(
      "model.vocab", #"{"a":1.0}"#,
      "field 'model.vocab.a' is 1.0, expected an integer from 0 to 4294967294"),
    BrokenChange(
      "model.vocab", #"{"a":"0"}"#,
      #"field 'model.vocab.a' is the string "0", expected an integer from 0 to 4294967294"#),
    BrokenChange(
      "model.vocab", #"{"a":0,"b":7,"c":7}"#,
      "model.vocab gives the id 7 to 'b' and to 'c', expected each id once"),
    BrokenChange(
      "model.vocab", #"{"a":4000000000,"b":7,"c":4000000000}"#,
      "model.vocab gives the id 4000000000 to 'a' and to 'c', expected each id once"),
    BrokenChange(
      "model.vocab", #"{"a":0,"\u0061":1}"#,
      "the key 'a' stands here again, expected each key once in an object"),
    BrokenChange(
      "model.unk_token", #""<unk>""#,
      #"field 'model.unk_token' is the string "<unk>", expected null or a token of model.vocab"#),
    BrokenChange(
      "model.unk_token", "0", "field 'model.unk_token' is 0, expected a string"),
    BrokenChange(
      "model.ignore_merges", "1", "field 'model.ignore_merges' is 1, expected true or false"),
    BrokenChange("model.type", "7", "field 'model.type' is 7, expected a string"),
  ]

  static let merges = [
    BrokenChange("model.merges", nil, "field 'model.merges' is missing"),
    BrokenChange("model.merges", "{}", "field 'model.merges' is an object, expected an array"),
    BrokenChange(
      "model.merges", #"["a b","z a"]"#, "model.merges[1] joins 'z', which is not in model.vocab"),
    BrokenChange(
      "model.merges", #"["a z"]"#, "model.merges[0] joins 'z', which is not in model.vocab"),
    BrokenChange(
      "model.merges", #"[["b","c"]]"#, "model.merges[0] makes 'bc', which is not in model.vocab"),
    BrokenChange(
      "model.merges", #"["ab"]"#,
      #"field 'model.merges[0]' is the string "ab", expected two tokens, as "a b" or ["a", "b"]"#),
    BrokenChange(
      "model.merges", #"["a b c"]"#,
      #"field 'model.merges[0]' is the string "a b c", expected two tokens, as "a b" or ["a", "b"]"#
    ),
    BrokenChange(
      "model.merges", #"[["a","b","c"]]"#,
      #"field 'model.merges[0]' is an array, expected two tokens, as "a b" or ["a", "b"]"#),
    BrokenChange(
      "model.merges", #"[["a",1]]"#,
      #"field 'model.merges[0]' is an array, expected two tokens, as "a b" or ["a", "b"]"#),
    BrokenChange(
      "model.merges", "[null]",
      #"field 'model.merges[0]' is null, expected two tokens, as "a b" or ["a", "b"]"#),
    BrokenChange(
      "model.merges", #"["a "]"#, "model.merges[0] joins '', which is not in model.vocab"),
  ]

  private static func added(_ entries: String...) -> String {
    "[" + entries.joined(separator: ",") + "]"
  }

  static let addedTokens = [
    BrokenChange("added_tokens", "{}", "field 'added_tokens' is an object, expected an array"),
    BrokenChange(
      "added_tokens", "[7]", "field 'added_tokens[0]' is 7, expected an object"),
    BrokenChange(
      "added_tokens", #"[{"id":5,"content":"x"}]"#, "field 'added_tokens[0].special' is missing"),
    BrokenChange(
      "added_tokens", added(SmallTokenizerFile.added(-5, "x")),
      "field 'added_tokens[0].id' is -5, expected an integer from 0 to 4294967294"),
    BrokenChange(
      "added_tokens",
      added(SmallTokenizerFile.added(5, "x"), SmallTokenizerFile.added(5, "y")),
      "field 'added_tokens[1].id' is 5, expected an id that no earlier entry has"),
    BrokenChange(
      "added_tokens",
      added(SmallTokenizerFile.added(5, "x"), SmallTokenizerFile.added(6, "x", "special")),
      "added_tokens[1] has the content 'x' of an earlier entry, expected each content once"),
  ]

  static let others = [
    BrokenChange(
      "normalizer", #"{"type":"Replace","pattern":{"String":""},"content":"a"}"#,
      #"field 'normalizer.pattern.String' is the string "", expected a text that is not empty"#),
    BrokenChange(
      "normalizer", #"{"type":"Replace","pattern":{},"content":"a"}"#,
      "field 'normalizer.pattern' is an object, expected an object with either String or Regex"),
    BrokenChange(
      "pre_tokenizer",
      #"{"type":"Split","pattern":{"String":"a"},"behavior":"Merged","invert":false}"#,
      #"field 'pre_tokenizer.behavior' is the string "Merged", expected one of Isolated, Removed, "#
        + "MergedWithPrevious, MergedWithNext, Contiguous"),
    BrokenChange(
      "pre_tokenizer", #"{"type":"Metaspace","replacement":"▁▁"}"#,
      #"field 'pre_tokenizer.replacement' is the string "▁▁", expected one character"#),
    BrokenChange(
      "pre_tokenizer", #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"last"}"#,
      #"field 'pre_tokenizer.prepend_scheme' is the string "last", expected "always", "first" or "#
        + #""never""#),
    BrokenChange(
      "decoder", #"{"type":"Metaspace","replacement":"▁","add_prefix_space":false}"#,
      "field 'decoder.add_prefix_space' is false, expected true, or prepend_scheme \"never\" beside "
        + "it"),
    BrokenChange(
      "decoder", #"{"type":"Strip","content":"","start":1,"stop":0}"#,
      #"field 'decoder.content' is the string "", expected one character"#),
    BrokenChange(
      "decoder", #"{"type":"Strip","content":" ","start":-1,"stop":0}"#,
      "field 'decoder.start' is -1, expected an integer from 0 to 4294967295"),
    BrokenChange("version", #""2.0""#, #"field 'version' is the string "2.0", expected "1.0""#),
    BrokenChange("pre_tokenizer", "7", "field 'pre_tokenizer' is 7, expected an object"),
    BrokenChange("pre_tokenizer", "{}", "field 'pre_tokenizer.type' is missing"),
    BrokenChange(
      "pre_tokenizer", #"{"type":"ByteLevel","trim_offsets":true}"#,
      "field 'pre_tokenizer.add_prefix_space' is missing"),
    BrokenChange(
      "pre_tokenizer", #"{"type":"Sequence","pretokenizers":null}"#,
      "field 'pre_tokenizer.pretokenizers' is null, expected an array"),
    BrokenChange(
      "decoder", #"{"type":"ByteLevel"}"#, "field 'decoder.trim_offsets' is missing"),
    BrokenChange(
      "post_processor", template(single: #"[{"SpecialToken":{"id":"B","type_id":0}}]"#),
      #"field 'post_processor.single[0].SpecialToken.id' is the string "B", "#
        + "expected a key of post_processor.special_tokens"),
    BrokenChange(
      "post_processor", template(single: "[{}]"),
      "field 'post_processor.single[0]' is an object, "
        + "expected an object with either SpecialToken or Sequence"),
    BrokenChange(
      "post_processor", template(single: #"[{"Sequence":{"id":"B","type_id":0}}]"#),
      #"field 'post_processor.single[0].Sequence.id' is the string "B", "#
        + #"expected "A", the only text there is"#),
    BrokenChange(
      "post_processor",
      template(single: "[]", specials: #"{"x":{"id":"x","ids":[9],"tokens":["x"]}}"#),
      "field 'post_processor.special_tokens.x.ids[0]' is 9, expected the id of a token"),
    BrokenChange(
      "post_processor",
      template(single: "[]", specials: #"{"x":{"id":"x","ids":[1],"tokens":[]}}"#),
      "field 'post_processor.special_tokens.x.ids' is an array, "
        + "expected as many ids as tokens, which are 0"),
  ]

  private static func template(single: String, specials: String = "{}") -> String {
    #"{"type":"TemplateProcessing","single":\#(single),"pair":[],"special_tokens":\#(specials)}"#
  }

  @Test(
    "is refused with the place and the reason",
    arguments: vocabularies + merges + addedTokens + others)
  func isRefused(change: BrokenChange) throws {
    let error = #expect(throws: TokenizerError.self) {
      try SmallTokenizerFile(change.key, change.json).load()
    }
    let description = error?.description ?? ""
    #expect(description.hasPrefix("tokenizer.json:"))
    #expect(description.hasSuffix(": " + change.message), "\(description)")
  }

  @Test("is refused if an added token takes an id of the vocabulary")
  func refusesCollision() throws {
    var file = SmallTokenizerFile("model.vocab", #"{"a":0,"b":1,"ab":2,"c":4}"#)
    file.set("added_tokens", "[" + SmallTokenizerFile.added(4, "x") + "]")
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    #expect(
      error?.description
        == "tokenizer.json: added_tokens[0] 'x' takes the next free id 4, which model.vocab gives "
        + "to 'c'")
  }

  @Test("is refused if no id is left for an added token")
  func refusesExhaustedIDs() throws {
    var file = SmallTokenizerFile("model.vocab", #"{"a":0,"b":1,"ab":4294967294}"#)
    let entries = [SmallTokenizerFile.added(0, "ab"), SmallTokenizerFile.added(1, "x")]
    file.set("added_tokens", "[" + entries.joined(separator: ",") + "]")
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    #expect(
      error?.description
        == "tokenizer.json: added_tokens[1] 'x' takes the next free id 4294967295, expected at most "
        + "4294967294")
  }

  @Test("is refused without a model")
  func refusesMissingModel() throws {
    var file = SmallTokenizerFile()
    file.hasModel = false
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    #expect(error?.description == "tokenizer.json:1:1 (byte 0): field 'model' is missing")
  }

  @Test("is refused at every place where it can be cut")
  func refusesTruncation() throws {
    let json = Array(SmallTokenizerFile().json.utf8)
    for length in 0..<json.count {
      #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(json[..<length])) }
    }
  }

  @Test("is refused if it is nested without end", arguments: ["[", #"{"a":"#, #"{"normalizer":["#])
  func refusesNesting(opening: String) throws {
    let json = String(repeating: opening, count: 100_000)
    #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(json.utf8)) }
    let sequence = #"{"type":"Sequence","pretokenizers":["#
    let nested =
      String(repeating: sequence, count: 100) + String(repeating: "]}", count: 100)
    #expect(throws: TokenizerError.self) {
      try SmallTokenizerFile("pre_tokenizer", nested).load()
    }
  }

  /// Places where an error shows what the file holds.
  static let hostile: [(field: String, json: String)] = [
    ("model.vocab", #"{"a\n\u001b[31m":0,"b\n":0}"#),
    ("model.merges", #"["a\n b"]"#), ("model.merges", #"["a\u0007b"]"#),
    ("model.type", #""BPE\n""#), ("model.unk_token", #""\u001b[2J""#),
    ("normalizer", #"{"type":"NFC\n"}"#), ("pre_tokenizer", #"{"type":"\u202eSplit"}"#),
    (
      "pre_tokenizer",
      #"{"type":"Split","pattern":{"Regex":"\n\u001b[1m"},"behavior":"Isolated","invert":false}"#
    ),
    (
      "pre_tokenizer",
      #"{"type":"Split","pattern":{"Regex":"x"},"behavior":"\n","invert":false}"#
    ),
    ("post_processor", #"{"type":"\u2028"}"#), ("decoder", #"{"type":"\r"}"#),
    (#"x\n\u001b"#, "1"), ("version", #""1\n""#),
    ("added_tokens", #"[{"id":1,"content":"\n","bad\n\u001b":1}]"#),
  ]

  @Test("shows no control character of the file or of its name", arguments: hostile.indices)
  func isPrintable(index: Int) throws {
    let (field, json) = Self.hostile[index]
    let file = SmallTokenizerFile(field, json)
    let error = try #require(throws: TokenizerError.self) {
      try Tokenizer(json: Array(file.json.utf8), source: "t\n\u{1B}.json")
    }
    #expect(error.description.hasPrefix(#"t\u{A}\u{1B}.json:"#))
    let invisible = error.description.unicodeScalars.filter {
      switch $0.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: true
      default: false
      }
    }
    #expect(invisible.isEmpty, "\(error)")
  }

  @Test("is refused with its path if there is no such file")
  func refusesMissingFile() throws {
    let folder = FileManager.default.temporaryDirectory
    let missing = folder.appendingPathComponent("meteora-no-such-\(UInt64.random(in: 0 ... .max))")
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: missing) }
    #expect(error?.description == "\(missing.path): no such file or folder")
  }

  @Test("is refused with its path if a folder has none")
  func refusesEmptyFolder() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-\(UInt64.random(in: 0 ... .max))", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: folder) }
    #expect(
      error?.description == "\(folder.path): holds neither tokenizer.json nor tokenizer.model")
  }
}
