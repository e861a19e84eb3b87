import Foundation
import MeteoRATokenizers
import Testing

@Suite("A tiktoken file")
struct TiktokenTests {
  /// The lines of all single bytes, and of some words after them.
  private static func lines(_ words: [String] = ["ab", "bc", "abc"]) -> [String] {
    let tokens = (0...255).map { [UInt8($0)] } + words.map { Array($0.utf8) }
    return tokens.enumerated().map { "\(Data($1).base64EncodedString()) \($0)" }
  }

  private static func load(_ lines: [String]) throws(TokenizerError) -> Tokenizer {
    try Tokenizer(model: Array(lines.joined(separator: "\n").utf8))
  }

  @Test("is followed by Llama 3's special tokens")
  func hasSpecialTokens() throws {
    let tokenizer = try Self.load(Self.lines())
    #expect(tokenizer.vocabularySize == 259 + 256)
    #expect(tokenizer.beginID == 259)
    #expect(tokenizer.endID == 260)
    #expect(tokenizer.id(of: "<|eot_id|>") == 259 + 9)
    #expect(tokenizer.id(of: "<|reserved_special_token_245|>") == 259 + 255)
    #expect(tokenizer.token(of: 258) == "abc")
    #expect(tokenizer.token(of: 259) == "<|begin_of_text|>")
    #expect(tokenizer.token(of: 515) == nil)
    #expect(tokenizer.isSpecial(514) && tokenizer.isSpecial(259) && !tokenizer.isSpecial(258))
    #expect(tokenizer.encode("") == [259])
    #expect(tokenizer.encode("abc<|eot_id|>b", addSpecialTokens: false) == [258, 268, 0x62])
    #expect(tokenizer.decode([258, 268, 0x62], skipSpecialTokens: false) == "abc<|eot_id|>b")
    #expect(tokenizer.decode([258, 268, 0x62], skipSpecialTokens: true) == "abcb")
  }

  @Test("merges by the ranks of the joined bytes")
  func mergesByRank() throws {
    #expect(try Self.load(Self.lines()).encode("xabc", addSpecialTokens: false) == [0x78, 258])
    let tokenizer = try Self.load(Self.lines(["bc", "ab", "abcd"]))
    #expect(tokenizer.encode("abc", addSpecialTokens: false) == [0x61, 256])
    #expect(tokenizer.encode("abcd", addSpecialTokens: false) == [258])
  }

  @Test("may have its lines in any order, empty ones and carriage returns")
  func readsLines() throws {
    let lines = Self.lines().reversed().flatMap { [$0 + "\r", " "] } + [""]
    #expect(try Self.load(lines).encode("abc", addSpecialTokens: false) == [258])
  }

  static let broken: [(index: Int, line: String?, message: String)] = [
    (3, "version https://example.org", "line 4: found 'version https://example.org', expected"),
    (3, "Aw==", "line 4: found 'Aw==', expected a token in base64, a space and a rank"),
    (3, "Aw= 3", "line 4: found 'Aw= 3', expected a token in base64, a space and a rank"),
    (3, "A*== 3", "line 4: found 'A*== 3', expected a token in base64, a space and a rank"),
    (3, "Aw== -3", "line 4: found 'Aw== -3', expected a token in base64, a space and a rank"),
    (3, "Aw== 3 4", "line 4: found 'Aw== 3 4', expected a token in base64, a space and a rank"),
    (3, " 3", "line 4: found ' 3', expected a token in base64, a space and a rank"),
    (3, "Aw== 2", "line 4: found the rank 2, which line 3 has, expected each rank once"),
    (3, "Ag== 3", "line 4: found a token that another line has, expected each token once"),
    (3, "Aw== 999999999", "line 4: found the rank 999999999, expected ranks from 0 without gaps"),
    (3, "Aw== 9999999999", "line 4: found 'Aw== 9999999999', expected a token in base64, a space"),
    (3, nil, "no line has the rank 3, expected ranks without gaps"),
    (3, "YWE= 3", "no token is the single byte 3, expected all 256"),
  ]

  @Test("is refused with the line and the reason", arguments: broken)
  func isRefused(change: (index: Int, line: String?, message: String)) {
    var lines = Self.lines()
    if let line = change.line { lines[change.index] = line } else { lines.remove(at: change.index) }
    let error = #expect(throws: TokenizerError.self) { try Self.load(lines) }
    let description = error?.description ?? ""
    #expect(description.hasPrefix("tokenizer.model: " + change.message), "\(description)")
  }

  @Test("is refused with longer tokens, or more of them, than Llama 3 has")
  func refusesOtherFamilies() {
    let long = Self.lines([String(repeating: "a", count: 513)])
    let error = #expect(throws: TokenizerError.self) { try Self.load(long) }
    #expect(
      error?.description == "tokenizer.model: a token of 513 bytes in line 257 is not supported; "
        + "at most 512 are")
    let many = Self.lines((0..<127_745).map { "w\($0)" })
    let other = #expect(throws: TokenizerError.self) { try Self.load(many) }
    #expect(
      other?.description == "tokenizer.model: a tiktoken file of 128001 tokens is not supported; "
        + "at most 128000, those of Llama 3, are")
  }

  @Test("does not slow down in a long text without a break", arguments: ["a", " ", "é", "字"])
  func encodesLongText(unit: String) throws {
    let words = (1...4).map { String(repeating: "a", count: 1 << $0) }
    let tokenizer = try Self.load(Self.lines(words))
    let text = String(repeating: unit, count: 200_000)
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    #expect(ids.count == (unit == "a" ? 200_000 / 16 : text.utf8.count))
    #expect(tokenizer.decode(ids, skipSpecialTokens: false).utf8.elementsEqual(text.utf8))
  }
}
