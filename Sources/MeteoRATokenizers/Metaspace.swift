/// Where `Metaspace` puts its character in front of text.
enum PrependScheme: String, CaseIterable, Sendable {
  /// Before every piece.
  case always
  /// Before the piece that begins the text.
  case first
  /// Nowhere.
  case never
}

/// `Metaspace` as a pre-tokenizer: a visible character for U+0020, one more in front of the text.
struct MetaspacePreTokenizer: PreTokenizer {
  /// The character, usually U+2581 (▁), as UTF-8.
  let replacement: [UInt8]
  let prependScheme: PrependScheme
  /// Whether pieces are cut before every such character.
  let splits: Bool

  func apply(to pieces: inout PieceList) {
    var rewritten: [UInt8] = []
    rewritten.reserveCapacity(pieces.bytes.count + pieces.bytes.count / 2)
    var start = 0
    for index in pieces.ends.indices {
      let end = pieces.ends[index]
      let piece = pieces.bytes[start..<end]
      if prepends(to: piece, isFirst: index == 0 && pieces.beginsText) { rewritten += replacement }
      for byte in piece {
        if byte == UInt8(ascii: " ") { rewritten += replacement } else { rewritten.append(byte) }
      }
      pieces.ends[index] = rewritten.count
      start = end
    }
    pieces.bytes = rewritten
    if splits {
      SplitPreTokenizer(.literal(replacement), .mergedWithNext).apply(to: &pieces)
    }
  }

  func precede(_ growth: inout TextGrowth) {
    if splits { growth.cut() }
    growth.prepend(replacement)
    growth.replace(.literal([UInt8(ascii: " ")]), with: replacement)
  }

  private func prepends(to piece: ArraySlice<UInt8>, isFirst: Bool) -> Bool {
    if prependScheme == .never || prependScheme == .first && !isFirst { return false }
    return piece.first != UInt8(ascii: " ") && !piece.starts(with: replacement)
  }
}
