import Foundation
import MeteoRATokenizers
import Testing

/// A change of the small model, and the end of the message that refuses it.
struct SentencePieceChange: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let change: @Sendable (inout SmallSentencePieceFile) -> Void

  init(_ message: String, _ change: @escaping @Sendable (inout SmallSentencePieceFile) -> Void) {
    (testDescription, self.change) = (message, change)
  }
}

@Suite("A SentencePiece model that is broken or not supported")
struct BrokenSentencePieceTests {
  static let changes = [
    SentencePieceChange("piece 3 '' has no text, expected at least one byte") {
      $0.pieces[3].text = []
    },
    SentencePieceChange("has 8000 bytes, expected less than 8000") {
      $0.pieces[1].text = [UInt8](repeating: 0x61, count: 8000)
    },
    SentencePieceChange("piece 4 'b\\u{0}' holds the character U+0000, expected none") {
      $0.pieces[4].text = [0x62, 0]
    },
    SentencePieceChange("piece 3 'a\u{FFFD}' is not UTF-8, expected UTF-8") {
      $0.pieces[3].text = [0x61, 0xE2, 0x96]
    },
    SentencePieceChange("piece 4 'a' is there already, expected each piece once") {
      $0.pieces[4].text = [0x61]
    },
    SentencePieceChange("piece 3 'a' has the score NaN, expected a number") {
      $0.pieces[3].score = .nan
    },
    SentencePieceChange("none of 8 pieces is of type unknown, expected one") {
      $0.pieces[0].type = 1
    },
    SentencePieceChange("piece 4 'b' is of type unknown as piece 0, expected one") {
      $0.pieces[4].type = 2
    },
    SentencePieceChange("piece 4 'b' is a byte, expected none as byte_fallback is false") {
      $0.pieces[4].type = 6
    },
    SentencePieceChange("piece 4 'b' is of type byte, expected a text such as '<0x0A>'") {
      $0.addBytes()
      $0.pieces[4].type = 6
    },
    SentencePieceChange("no piece is the byte 255, expected all 256 as byte_fallback is true") {
      $0.addBytes()
      $0.pieces.removeLast()
    },
    SentencePieceChange("the SentencePiece model type 'unigram' is not supported; BPE is") {
      $0.trainer.add(3, 1 as UInt64)
    },
    SentencePieceChange("the SentencePiece model type 'word' is not supported; BPE is") {
      $0.trainer.add(3, 3 as UInt64)
    },
    SentencePieceChange("the SentencePiece model type 'char' is not supported; BPE is") {
      $0.trainer.add(3, 4 as UInt64)
    },
    SentencePieceChange("piece 3 of 65 characters is not supported; pieces of at most 64 are") {
      $0.pieces[3].text = [UInt8](repeating: 0x61, count: 65)
    },
    SentencePieceChange(
      "piece 3, a user-defined symbol of 1025 bytes, is not supported; at most 1024 are"
    ) {
      $0.pieces[3] = .init(String(repeating: "a", count: 1025), type: 4)
    },
    SentencePieceChange("precompiled_charsmap has 3 bytes, expected more than 4") {
      $0.normalizer.add(2, [0, 0, 0])
    },
    SentencePieceChange("has a trie of 8 bytes, expected a multiple of 4 below 2") {
      $0.normalizer.add(2, [8, 0, 0, 0, 1, 0])
    },
    SentencePieceChange("has texts that are not UTF-8 with a zero byte at the end") {
      $0.normalizer.add(2, [4, 0, 0, 0, 0, 0, 0, 0, 0x61])
    },
    SentencePieceChange("has a rule to byte 2, expected the beginning of a character") {
      $0.normalizer.add(2, [4, 0, 0, 0, 2, 0, 0, 0x80, 0x61, 0])
    },
    SentencePieceChange("with a text of more than 64 bytes is not supported; shorter ones are") {
      $0.normalizer.add(2, charsmap([], texts: [UInt8](repeating: 0x62, count: 65) + [0]))
    },
    SentencePieceChange(
      "a rule for more than 1024 bytes, or a circle, is not supported; shorter rules are"
    ) {
      $0.normalizer.add(2, charsmap([(0x60, 0x61 << 10 | 0x61)], texts: [0x78, 0]))
    },
    SentencePieceChange(
      "a rule for more than 1024 bytes, or a circle, is not supported; shorter rules are"
    ) {
      // "a" leads from 0x100 to 0x200, "b" back.
      let units: [(Int, UInt32)] = [
        (0, 0x100 << 10), (0x161, (0x161 ^ 0x200) << 10 | 0x61),
        (0x262, (0x262 ^ 0x100) << 10 | 0x62),
      ]
      $0.normalizer.add(2, charsmap(units, texts: [0x78, 0]))
    },
    SentencePieceChange(
      "a rule for more than 1024 bytes, or a circle, is not supported; shorter rules are"
    ) {
      $0.normalizer.add(2, charsmap(chain(of: 1025), texts: [0x78, 0]))
    },
    SentencePieceChange("trainer_spec.unk_surface of 1025 bytes is not supported; at most 1024 are")
    {
      $0.trainer.add(44, [UInt8](repeating: 0x3F, count: 1025))
    },
    SentencePieceChange("found the field number 0, expected 1 to 536870911") {
      $0.trainer.append(raw: [0, 0])
    },
    SentencePieceChange("found the wire type 3, expected 0, 1, 2 or 5") {
      $0.trainer.append(raw: [0x0B, 0x0C])
    },
    SentencePieceChange("found the length 9, expected at most the 1 bytes left") {
      $0.normalizer.append(raw: [0x0A, 9, 0])
    },
    SentencePieceChange(
      "found the length 18446744073709551615, expected at most the 0 bytes left"
    ) {
      $0.normalizer.append(raw: [0x0A] + [UInt8](repeating: 0xFF, count: 9) + [1])
    },
    SentencePieceChange("found an integer of more than 10 bytes, expected at most 10") {
      $0.normalizer.append(raw: [0x08] + [UInt8](repeating: 0x80, count: 10) + [0])
    },
    SentencePieceChange("found 3 bytes before the message ends, expected 4") {
      $0.normalizer.append(raw: [0x0D, 1, 2, 3])
    },
    SentencePieceChange(
      "field 3, trainer_spec.model_type, has the wire type 5 (four bytes), expected that of its type"
    ) {
      $0.trainer.add(3, 1 as Float)
    },
    SentencePieceChange(
      "field 2, precompiled_charsmap, has the wire type 0 (an integer), expected that of its type"
    ) {
      $0.normalizer.add(2, 1 as UInt64)
    },
  ]

  /// A map in which units that are not given lead nowhere; "a" (61) leads from the root to unit
  /// 0x60 if the root's offset is 1.
  private static func charsmap(_ units: [(place: Int, unit: UInt32)], texts: [UInt8]) -> [UInt8] {
    let count = (units.map(\.place).max() ?? 0) | 0xFF + 1
    var all = [UInt32](repeating: 0x8000_0000, count: count)
    all[0] = 1 << 10
    for (place, unit) in units { all[place] = unit }
    var map: [UInt8] = []
    for word in [UInt32(4 * count)] + all {
      for shift in [0, 8, 16, 24] as [UInt32] { map.append(UInt8(word >> shift & 0xFF)) }
    }
    return map + texts
  }

  /// The units of a rule for "aaa…", whose children are at multiples of 256.
  private static func chain(of length: Int) -> [(place: Int, unit: UInt32)] {
    var units: [(place: Int, unit: UInt32)] = [(0, 0x100 << 10)]
    for step in 1...length {
      let place = step << 8 ^ 0x61
      units.append((place, UInt32(place ^ (step + 1) << 8) << 10 | 0x61))
    }
    return units
  }

  @Test("is opened with a rule as long as it may be")
  func takesLongRule() throws {
    var file = SmallSentencePieceFile()
    file.normalizer.add(2, Self.charsmap(Self.chain(of: 1024), texts: [0x78, 0]))
    let tokenizer = try file.load()
    #expect(tokenizer.encode(String(repeating: "a", count: 5000)).count == 5001)
  }

  @Test("is refused with the place and the reason", arguments: changes)
  func isRefused(change: SentencePieceChange) {
    var file = SmallSentencePieceFile()
    change.change(&file)
    let error = #expect(throws: TokenizerError.self) { try file.load() }
    let description = error?.description ?? ""
    #expect(description.hasPrefix("tokenizer.model: "), "\(description)")
    #expect(description.hasSuffix(change.testDescription), "\(description)")
  }

  @Test("is refused with a map for decoded text")
  func refusesDenormalizer() {
    var denormalizer = ProtobufMessage()
    denormalizer.add(2, [1, 2])
    var file = ProtobufMessage()
    file.append(raw: SmallSentencePieceFile().bytes)
    file.add(5, denormalizer.bytes)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(model: file.bytes) }
    #expect(
      error?.description == "tokenizer.model: denormalizer_spec.precompiled_charsmap is not "
        + "supported; an empty one is")
  }

  @Test("is refused if it is too large")
  func refusesLargeFile() {
    let bytes = SmallSentencePieceFile().bytes + [UInt8](repeating: 0, count: 16 << 20)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(model: bytes) }
    #expect(
      error?.description == "tokenizer.model: a SentencePiece model of \(bytes.count) bytes is not "
        + "supported; at most 16777216 are")
  }

  @Test("is refused wherever it is cut, but for the end of its last field but one")
  func survivesTruncation() {
    let file = SmallSentencePieceFile()
    let bytes = file.bytes
    let whole = bytes.count - file.normalizer.bytes.count - 2
    for length in 0..<bytes.count where length != whole {
      #expect(throws: TokenizerError.self) { try Tokenizer(model: Array(bytes[..<length])) }
    }
    #expect(throws: Never.self) { try Tokenizer(model: Array(bytes[..<whole])) }
  }

  @Test("is refused or works with bytes changed at random")
  func survivesMutation() throws {
    var file = SmallSentencePieceFile()
    file.pieces += [
      .init("é", -1), .init("a b", type: 4), .init("bb", -2, type: 5), .init("bbb", -3),
    ]
    // A map of the one rule "a" → "é", and its texts.
    let units: [UInt32] = [1 << 10, 0x8000_0000, 0x8000_0000]
    var map: [UInt8] = [12, 0, 0, 0]
    for unit in units { for shift in [0, 8, 16, 24] { map.append(UInt8(unit >> shift & 0xFF)) } }
    file.normalizer.add(2, map + [0xC3, 0xA9, 0])
    let original = file.bytes
    let texts = ["", "ab a b  bbbb", "é▁a\0字", String(repeating: "ab ", count: 400)]
    var random = SeededRandom(seed: 5)
    var loaded = 0
    for round in 0..<6000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        default: bytes.insert(bytes[place], at: place)
        }
      }
      guard let tokenizer = try? Tokenizer(model: bytes) else { continue }
      loaded += 1
      for text in texts {
        let ids = tokenizer.encode(text)
        let decoded = try tokenizer.decode(checking: ids, skipSpecialTokens: false)
        var stream = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
        let streamed = ids.map { stream.append($0) }.joined() + stream.finish()
        #expect(streamed.utf8.elementsEqual(decoded.utf8), "round \(round)")
      }
    }
    #expect(loaded > 500)
  }
}
