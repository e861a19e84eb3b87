// SentencePieceModel: byte-pair encoding as SentencePiece does it.
//
//   text ─▶ normalizer ─▶ user-defined symbols │ words between them ─▶ merges ─▶ ids
//
// Merging could run over the whole text; it is cut into words where no merge can cross, so that a
// word that comes again is copied. What is left without a piece becomes bytes, or one unknown for
// a run.

/// The tokenizer of a SentencePiece model file of type BPE.
struct SentencePieceModel: TokenizerBackend {
  let vocabulary: SentencePieceVocabulary
  let merges: SentencePieceMerges
  let normalizer: SentencePieceNormalizer
  /// For pieces that are merged and then taken apart again; `nil` if there are none.
  let unusedPieces: UnusedPieceMerging?
  /// What the unknown piece is in a text.
  let unknownSurface: [UInt8]
  var beginID: Int?
  var endID: Int?
  /// Whether ``beginID`` comes before the ids when special tokens are added.
  var addsBegin = true
  /// Whether ``endID`` comes after the ids when special tokens are added.
  var addsEnd = false

  var vocabularySize: Int { vocabulary.count }
  var idBound: Int { vocabulary.count }

  func id(of token: [UInt8]) -> Int? { vocabulary.id(of: token).map { Int($0) } }

  func token(of id: Int) -> ArraySlice<UInt8>? {
    vocabulary.type(of: id) == nil ? nil : vocabulary.texts[id]
  }

  func isSpecial(_ id: Int) -> Bool { vocabulary.type(of: id) == .control }

  func makeDecoder(skipSpecialTokens: Bool) -> any TokenizerBackendDecoder {
    SentencePieceDecoder(model: self)
  }

  // MARK: Encoding

  func encode(validUTF8 text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool) -> [Int] {
    let normalized = normalizer.normalize(text)
    var ids: [Int] = []
    ids.reserveCapacity(normalized.count / 3 + 2)
    if addSpecialTokens && addsBegin, let beginID { ids.append(beginID) }
    normalized.withUnsafeBufferPointer { text in
      if let unusedPieces {
        unusedPieces.append(text, of: self, to: &ids)
      } else if normalizer.symbols.isEmpty {
        append(0..<text.count, of: text, to: &ids)
      } else {
        for segment in normalizer.symbols.segments(of: text) {
          switch segment {
          case .token(let id): ids.append(Int(id))
          case .text(let range): append(range, of: text, to: &ids)
          }
        }
      }
    }
    if vocabulary.byteIDs == nil { joinUnknowns(&ids) }
    if addSpecialTokens && addsEnd, let endID { ids.append(endID) }
    return ids
  }

  /// Appends the ids of a part of the text, word by word.
  private func append(
    _ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, to ids: inout [Int]
  ) {
    var recent = RecentPieces(textLength: range.count)
    var symbols: [UInt32] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let end =
        merges.cutsBeforeSpace
        ? Self.endOfWord(at: start, in: text, end: range.upperBound) : range.upperBound
      let word = start..<end
      let bytes = UnsafeBufferPointer(rebasing: text[word])
      start = end
      let hash = ByteStringTable.hash(of: bytes)
      if let known = recent.ids(of: word, hash: hash, in: text) {
        for place in known { ids.append(ids[place]) }
        continue
      }
      let firstID = ids.count
      symbols.removeAll(keepingCapacity: true)
      merges.appendSymbols(of: bytes, to: &symbols)
      if symbols.count > Self.longestWholeWord {
        merges.neighbours.cut(symbols) { append($0, to: &ids) }
      } else {
        merges.table.merge(&symbols, from: 0)
        for symbol in symbols { append(symbol, to: &ids) }
      }
      recent.remember(word, hash: hash, ids: firstID..<ids.count)
    }
  }

  /// Longer words are cut further, which takes a look at every pair of characters.
  private static let longestWholeWord = 32

  /// Appends the ids of a part of a word.
  private func append(_ part: ArraySlice<UInt32>, to ids: inout [Int]) {
    var symbols = Array(part)
    merges.table.merge(&symbols, from: 0)
    for symbol in symbols { append(symbol, to: &ids) }
  }

  /// The place of the next ▁ that follows another character.
  private static func endOfWord(
    at start: Int, in text: UnsafeBufferPointer<UInt8>, end: Int
  ) -> Int {
    var position = start
    while SentencePieceNormalizer.isSpace(at: position, in: text) { position += 3 }
    while position < end {
      if text[position] == 0xE2 && SentencePieceNormalizer.isSpace(at: position, in: text) {
        return position
      }
      position += 1
    }
    return end
  }

  /// Appends what is left of a character or a piece after all merges.
  func append(_ symbol: UInt32, to ids: inout [Int]) {
    if symbol & SentencePieceMerges.scalarBit == 0 {
      ids.append(Int(symbol))
      return
    }
    guard let byteIDs = vocabulary.byteIDs,
      let scalar = Unicode.Scalar(symbol & ~SentencePieceMerges.scalarBit)
    else {
      ids.append(Int(vocabulary.unknownID))
      return
    }
    for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
      ids.append(Int(byteIDs[Int(byte)]))
    }
  }

  /// Makes one of unknowns that follow each other.
  private func joinUnknowns(_ ids: inout [Int]) {
    let unknown = Int(vocabulary.unknownID)
    guard ids.contains(unknown) else { return }
    var kept = 0
    for (place, id) in ids.enumerated() where id != unknown || place == 0 || ids[place - 1] != id {
      ids[kept] = id
      kept += 1
    }
    ids.removeSubrange(kept...)
  }
}
