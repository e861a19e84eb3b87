import Foundation
import MeteoRATokenizers
import Testing

@Suite("A tokenizer")
struct TokenizerTests {
  @Test("opens from its file and from the folder that holds it")
  func opens() throws {
    let folder = try GoldenTokenizer.folder("tiny-llama3")
    let file = folder.appendingPathComponent("tokenizer.json")
    for url in [folder, file, URL(fileURLWithPath: folder.path, isDirectory: false)] {
      #expect(try Tokenizer(contentsOf: url).vocabularySize == 512)
    }
  }

  @Test("knows its tokens by text and by id")
  func findsTokens() throws {
    let tokenizer = try GoldenTokenizer(name: "tiny-llama3").load()
    #expect(tokenizer.vocabularySize == 512)
    #expect(tokenizer.idBound == 512)
    for id in 0..<512 {
      let token = try #require(tokenizer.token(of: id))
      #expect(tokenizer.id(of: token) == id)
    }
    #expect(tokenizer.id(of: "<|begin_of_text|>") == 496)
    #expect(tokenizer.isSpecial(496) && !tokenizer.isSpecial(495))
    #expect(tokenizer.id(of: "no such token") == nil)
    #expect(tokenizer.id(of: "") == nil)
    for id in [-1, 512, .max, .min] { #expect(tokenizer.token(of: id) == nil) }
  }

  @Test("tells spellings apart that Unicode calls equivalent")
  func comparesBytes() throws {
    var file = SmallTokenizerFile("model.vocab", #"{"\u00e9":0,"e\u0301":1,"e":2,"\u0301":3}"#)
    file.set("model.merges", #"[["e","\u0301"]]"#)
    let tokenizer = try file.load()
    #expect(tokenizer.id(of: "\u{E9}") == 0)
    #expect(tokenizer.id(of: "e\u{301}") == 1)
    #expect(tokenizer.encode("\u{E9}e\u{301}") == [0, 1])
  }

  @Test("takes ids with gaps, however wide, without a table of that size")
  func takesGaps() throws {
    let file = SmallTokenizerFile("model.vocab", #"{"a":0,"b":7,"c":4294967294,"ab":50}"#)
    let tokenizer = try file.load()
    #expect(tokenizer.vocabularySize == 4)
    #expect(tokenizer.idBound == 4_294_967_295)
    #expect(tokenizer.encode("abcb") == [50, 4_294_967_294, 7])
    #expect(tokenizer.token(of: 4_294_967_294) == "c")
    #expect(tokenizer.token(of: 4_294_967_293) == nil)
    #expect(tokenizer.token(of: 1) == nil)
    #expect(tokenizer.decode([50, 1, 7], skipSpecialTokens: false) == "ab b")
  }

  @Test("numbers added tokens as the library does, whatever ids the file gives")
  func numbersAddedTokens() throws {
    let entries = [(10, "X"), (20, "Y"), (3, "ab"), (9, "c"), (30, "")]
    let json = entries.map { SmallTokenizerFile.added($0, $1) }.joined(separator: ",")
    let tokenizer = try SmallTokenizerFile("added_tokens", "[\(json)]").load()
    // tokenizers 0.19.1, 0.21.4 and 0.23.3 give these.
    #expect(tokenizer.encode("aXYabc") == [0, 5, 6, 3, 2])
    #expect(tokenizer.vocabularySize == 7)
  }

  @Test("needs no unk_token where every byte has a token")
  func ignoresUnneededUnknown() throws {
    let tokenizer = try GoldenTokenizer(name: "gpt2-prefix").load()
    #expect(tokenizer.id(of: "") == nil)
    #expect(tokenizer.encode("\u{10FFFF}").count > 1)
    let withoutBytes = try GoldenTokenizer.json("gpt2-prefix").replacing(#""Ġ":"#, with: #""zz":"#)
    #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(withoutBytes.utf8)) }
  }

  @Test("reads files without the fields that have a standard value")
  func readsOldFiles() throws {
    var file = SmallTokenizerFile()
    for key in [
      "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
      "post_processor", "decoder", "model.type", "model.dropout", "model.unk_token",
      "model.continuing_subword_prefix", "model.end_of_word_suffix", "model.fuse_unk",
      "model.byte_fallback", "model.ignore_merges",
    ] {
      file.set(key, nil)
    }
    #expect(try file.load().encode("abc") == [3, 2])
    file.set("normalizer", #"{"type":"Sequence","normalizers":[]}"#)
    file.set("pre_tokenizer", #"{"type":"Sequence","pretokenizers":[]}"#)
    file.set("post_processor", #"{"type":"Sequence","processors":[]}"#)
    #expect(try file.load().encode("abc") == [3, 2])
  }

  @Test(
    "refuses bytes that are not UTF-8, with the place",
    arguments: [
      ([0xFF], 0), ([0x61, 0xC3], 1), ([0x61, 0x80, 0x61], 1), ([0xC0, 0x80], 0),
      ([0xE0, 0x80, 0x80], 0), ([0xED, 0xA0, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
      ([0xE5, 0xAD, 0x97, 0xE5, 0xAD], 3), ([0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F, 0x98], 4),
    ] as [([UInt8], Int)])
  func refusesInvalidUTF8(bytes: [UInt8], offset: Int) throws {
    let tokenizer = try GoldenTokenizer(name: "tiny-llama3").load()
    let error = #expect(throws: TokenizerError.self) { try tokenizer.encode(utf8: bytes) }
    #expect(error == .invalidUTF8(offset: offset))
    #expect(
      error?.description
        == "the text is not UTF-8: the byte at offset \(offset) belongs to no character")
  }

  @Test("leaves unknown ids out, or refuses them")
  func handlesUnknownIDs() throws {
    let tokenizer = try GoldenTokenizer(name: "tiny-llama3").load()
    let ids = tokenizer.encode("ab", addSpecialTokens: false)
    let strange = [-1] + ids + [512, .max, .min]
    #expect(tokenizer.decode(strange, skipSpecialTokens: false) == "ab")
    #expect(try tokenizer.decode(checking: ids, skipSpecialTokens: false) == "ab")
    let error = #expect(throws: TokenizerError.self) {
      try tokenizer.decode(checking: ids + [512], skipSpecialTokens: false)
    }
    #expect(error == .unknownID(512, position: ids.count))
    #expect(
      error?.description == "the id 512 at index \(ids.count) names no token of the vocabulary")
  }

  @Test("applies templates with and without special tokens")
  func appliesTemplates() throws {
    let special = #"{"SpecialToken":{"id":"x","type_id":0}}"#
    let text = #"{"Sequence":{"id":"A","type_id":0}}"#
    let specials = #"{"x":{"id":"x","ids":[4,1],"tokens":["x","y"]}}"#
    for (parts, with, without) in [
      ([special, text], [4, 1, 3, 2], [3, 2]), ([text], [3, 2], [3, 2]),
      ([text, text], [3, 2, 3, 2], [3, 2, 3, 2]), ([], [], []),
    ] as [([String], [Int], [Int])] {
      let template =
        #"{"type":"TemplateProcessing","single":[\#(parts.joined(separator: ","))],"pair":[],"#
        + #""special_tokens":\#(specials)}"#
      let tokenizer = try SmallTokenizerFile("post_processor", template).load()
      #expect(tokenizer.encode("abc") == with)
      #expect(tokenizer.encode("abc", addSpecialTokens: false) == without)
    }
  }
}
