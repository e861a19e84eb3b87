// TiktokenModel: byte-pair encoding over the bytes of words, as tiktoken does it.
//
//   text ─▶ special tokens │ words between them ─▶ the word's own rank, or merges ─▶ ids
//
// There is no list of merges: two neighbours merge if their bytes joined are a token, the lowest
// rank first, the leftmost of equal ones. The id of a token is its rank.

import MeteoRASafetensors

/// The tokenizer of a tiktoken file with Llama 3's pattern and special tokens.
struct TiktokenModel: TokenizerBackend {
  /// The tokens by rank.
  let tokens: ByteStringTable
  let merges: MergeTable
  /// The ids of the 256 bytes.
  let byteIDs: [UInt32]
  /// The special tokens, numbered from the last rank on.
  let specialTokens: [AddedToken]
  let specialMatcher: AddedTokenMatcher

  private static let pattern = SplitPattern.llama3(longestNumber: 3)

  var vocabularySize: Int { tokens.count + specialTokens.count }
  var idBound: Int { vocabularySize }
  var beginID: Int? { id(of: Array(LlamaSpecialTokens.begin.utf8)) }
  var endID: Int? { id(of: Array(LlamaSpecialTokens.end.utf8)) }

  // MARK: Vocabulary

  func id(of token: [UInt8]) -> Int? {
    if let index = token.withUnsafeBufferPointer({ tokens.index(of: $0) }) { return index }
    return specialTokens.first { $0.content == token }.map { Int($0.id) }
  }

  func token(of id: Int) -> ArraySlice<UInt8>? {
    guard id >= 0, id < vocabularySize else { return nil }
    return id < tokens.count ? tokens[id] : specialTokens[id - tokens.count].content[...]
  }

  func isSpecial(_ id: Int) -> Bool { id >= tokens.count && id < vocabularySize }

  // MARK: Encoding

  func encode(validUTF8 text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool) -> [Int] {
    var ids: [Int] = []
    ids.reserveCapacity(text.count / 3 + 1)
    if addSpecialTokens, let beginID { ids.append(beginID) }
    var ends: [Int] = []
    for segment in specialMatcher.segments(of: text) {
      switch segment {
      case .token(let id): ids.append(Int(id))
      case .text(let range):
        ends.removeAll(keepingCapacity: true)
        Self.pattern.appendEnds(of: range, in: text, to: &ends)
        appendWords(endingAt: ends, from: range.lowerBound, of: text, to: &ids)
      }
    }
    return ids
  }

  private func appendWords(
    endingAt ends: [Int], from start: Int, of text: UnsafeBufferPointer<UInt8>, to ids: inout [Int]
  ) {
    var recent = RecentPieces(textLength: (ends.last ?? start) - start)
    var symbols: [UInt32] = []
    var start = start
    for end in ends {
      let range = start..<end
      let word = UnsafeBufferPointer(rebasing: text[range])
      start = end
      let hash = ByteStringTable.hash(of: word)
      if let id = tokens.index(of: word, hash: hash) {
        ids.append(id)
        continue
      }
      if let known = recent.ids(of: range, hash: hash, in: text) {
        for place in known { ids.append(ids[place]) }
        continue
      }
      let firstID = ids.count
      symbols.removeAll(keepingCapacity: true)
      for byte in word { symbols.append(byteIDs[Int(byte)]) }
      merges.merge(&symbols, from: 0)
      for symbol in symbols { ids.append(Int(symbol)) }
      recent.remember(range, hash: hash, ids: firstID..<ids.count)
    }
  }

  // MARK: Decoding

  func makeDecoder(skipSpecialTokens: Bool) -> any TokenizerBackendDecoder {
    Decoder(model: self, skipsSpecialTokens: skipSpecialTokens)
  }

  /// Joins the bytes of the tokens; only the beginning of a character is ever held back.
  private struct Decoder: TokenizerBackendDecoder {
    private let model: TiktokenModel
    private let skipsSpecialTokens: Bool
    private var pending: [UInt8] = []

    init(model: TiktokenModel, skipsSpecialTokens: Bool) {
      self.model = model
      self.skipsSpecialTokens = skipsSpecialTokens
    }

    mutating func append(_ id: Int, to text: inout [UInt8]) {
      guard let token = model.token(of: id) else { return }
      if skipsSpecialTokens && model.isSpecial(id) { return }
      // Most tokens are whole characters.
      if pending.isEmpty && token.withUnsafeBufferPointer({ UTF8Text.firstBreak(in: $0) }) == nil {
        text += token
        return
      }
      pending += token
      let held = pending.withUnsafeBufferPointer { UTF8Text.appendRepaired($0, to: &text) }
      pending.removeFirst(pending.count - held)
    }

    mutating func finish(to text: inout [UInt8]) {
      if !pending.isEmpty { text += UTF8Text.replacement }
      pending = []
    }
  }
}
