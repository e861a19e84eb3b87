import Foundation
import MeteoRATokenizers
import Testing

@Suite("A SentencePiece model")
struct SentencePieceTests {
  @Test("knows its pieces by text and by id")
  func knowsPieces() throws {
    let tokenizer = try SmallSentencePieceFile().load()
    #expect(tokenizer.vocabularySize == 8)
    #expect(tokenizer.idBound == 8)
    #expect(tokenizer.id(of: "▁a") == 7)
    #expect(tokenizer.id(of: "x") == nil)
    #expect(tokenizer.token(of: 5) == "ab")
    #expect(tokenizer.token(of: 8) == nil)
    #expect(tokenizer.token(of: -1) == nil)
    #expect((0..<8).filter { tokenizer.isSpecial($0) } == [1, 2])
    #expect(tokenizer.beginID == 1)
    #expect(tokenizer.endID == 2)
    #expect(throws: TokenizerError.unknownID(8, position: 1)) {
      try tokenizer.decode(checking: [3, 8], skipSpecialTokens: false)
    }
    #expect(tokenizer.decode([3, 8, -1, 4], skipSpecialTokens: false) == "ab")
  }

  @Test("finds the tokens that begin and end a text by their names in the file")
  func namesBeginAndEnd() throws {
    var file = SmallSentencePieceFile()
    file.trainer.add(46, Array("</s>".utf8))
    file.trainer.add(47, Array("a".utf8))
    let tokenizer = try file.load()
    #expect(tokenizer.beginID == 2)
    #expect(tokenizer.endID == nil)
    #expect(tokenizer.encode("") == [2])
  }

  @Test("merges the highest score first, and counts 0 as more than −0")
  func mergesByScore() throws {
    var file = SmallSentencePieceFile()
    #expect(try file.load().encode("ab", addSpecialTokens: false) == [6, 5])
    file.pieces[7].score = -0.5
    #expect(try file.load().encode("ab", addSpecialTokens: false) == [7, 4])
    file.pieces[5].score = -0.0
    file.pieces[7].score = -0.0
    #expect(try file.load().encode("ab", addSpecialTokens: false) == [7, 4])
    file.pieces[5].score = 0
    #expect(try file.load().encode("ab", addSpecialTokens: false) == [6, 5])
  }

  @Test("takes the last value of a field, and parts of a message from everywhere")
  func mergesMessages() throws {
    let file = SmallSentencePieceFile()
    var message = ProtobufMessage()
    for piece in file.pieces {
      // The text after the score, a field that nobody knows, and an earlier text that is replaced.
      var entry = ProtobufMessage()
      entry.add(1, Array("other".utf8))
      entry.add(900, 7 as UInt64)
      entry.append(raw: [0xC9, 0x3E, 1, 2, 3, 4, 5, 6, 7, 8])
      entry.append(raw: piece.message.bytes)
      message.add(1, entry.bytes)
    }
    var trainer = ProtobufMessage()
    trainer.add(3, 2 as UInt64)
    var fallback = ProtobufMessage()
    fallback.add(44, Array("?".utf8))
    var first = ProtobufMessage()
    first.add(2, trainer.bytes)
    first.append(raw: message.bytes)
    first.add(2, fallback.bytes)
    first.add(3, file.normalizer.bytes)
    let tokenizer = try Tokenizer(model: first.bytes)
    #expect(tokenizer.encode("ab", addSpecialTokens: false) == [6, 5])
    #expect(tokenizer.decode([0, 3], skipSpecialTokens: false) == "?a")
  }

  @Test("takes unused pieces apart again, into what they were last made of")
  func separatesUnusedPieces() throws {
    var file = SmallSentencePieceFile()
    file.normalizer.add(3, 0 as UInt64)
    file.pieces[5].type = 5
    #expect(try file.load().encode("ab", addSpecialTokens: false) == [3, 4])
    file.pieces.append(.init("c", -1, type: 5))
    let tokenizer = try file.load()
    #expect(tokenizer.encode("abc", addSpecialTokens: false) == [3, 4, 0])
    #expect(tokenizer.decode([8, 5], skipSpecialTokens: false) == "cab")
  }

  @Test("decodes bytes character by character, and holds back only an unfinished one")
  func streamsBytes() throws {
    var file = SmallSentencePieceFile()
    file.addBytes()
    let tokenizer = try file.load()
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
    for (byte, text) in [
      (0xE2, ""), (0x82, ""), (0xAC, "€"), (0xFF, "\u{FFFD}"), (0xC3, ""), (0x41, "\u{FFFD}A"),
      (0xF0, ""), (0x9F, ""), (0x41, "\u{FFFD}\u{FFFD}A"), (0xC3, ""),
    ] {
      #expect(decoder.append(8 + byte) == text)
    }
    #expect(decoder.append(1) == "\u{FFFD}")
    #expect(decoder.append(7) == " a")
    #expect(decoder.append(8 + 0xE2) == "")
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.append(7) == "a")
  }

  @Test("does not slow down in a long text without a break", arguments: ["a", " ", "é"])
  func encodesLongText(unit: String) throws {
    var file = SmallSentencePieceFile()
    file.normalizer.add(3, 0 as UInt64)
    let piece = unit == " " ? "▁" : unit
    file.pieces = Array(file.pieces[..<3])
    for doubling in 0...5 {
      file.pieces.append(.init(String(repeating: piece, count: 1 << doubling), Float(-doubling)))
    }
    let ids = try file.load().encode(String(repeating: unit, count: 300_001))
    var expected = [1] + [Int](repeating: 8, count: 300_001 >> 5)
    for digit in stride(from: 4, through: 0, by: -1) where 300_001 >> digit & 1 == 1 {
      expected.append(3 + digit)
    }
    #expect(ids == expected)
  }

  @Test("is opened in a folder without tokenizer.json, with what tokenizer_config.json says")
  func opensFolder() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-\(UInt64.random(in: 0 ... .max))", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = folder.appendingPathComponent("tokenizer.model")
    try Data(SmallSentencePieceFile().bytes).write(to: model)
    #expect(try Tokenizer(contentsOf: folder).encode("a") == [1, 7])
    let configuration = folder.appendingPathComponent("tokenizer_config.json")
    try Data(
      #"{"add_bos_token":false,"add_eos_token":true,"eos_token":{"content":"b"},"x":1}"#.utf8
    ).write(to: configuration)
    #expect(try Tokenizer(contentsOf: folder).encode("a") == [7, 4])
    #expect(try Tokenizer(contentsOf: model).encode("a") == [1, 7])
    let json = folder.appendingPathComponent("tokenizer.json")
    try Data(SmallTokenizerFile().json.utf8).write(to: json)
    try FileManager.default.removeItem(at: configuration)
    #expect(try Tokenizer(contentsOf: folder).encode("ab") == [3])
  }
}
