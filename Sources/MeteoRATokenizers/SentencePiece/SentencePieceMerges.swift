// SentencePieceMerges: which neighbours merge, prepared from the texts of the pieces.
//
// SentencePiece has no list of merges: two neighbours merge if their texts joined are a piece, the
// highest score first, the leftmost of equal ones. So every piece is cut in two at each of its
// characters; where both halves can stand as symbols, that is a merge. Symbols are numbers:
//
//   id                    a piece
//   2³⁰ | scalar          a character that is no piece, but may be part of one

/// The merges of a SentencePiece model, by symbols.
struct SentencePieceMerges: Sendable {
  /// The bit of symbols that are characters without a piece.
  static let scalarBit: UInt32 = 1 << 30

  let table: MergeTable
  /// The symbols of single characters.
  let symbols: ScalarSymbols
  /// Whether no piece has the character ▁ behind another character, so that no merge crosses the
  /// border before a ▁.
  let cutsBeforeSpace: Bool
  /// The characters that stand side by side in a piece: no merge crosses the border between others.
  let neighbours: SymbolPairSet

  init(_ vocabulary: SentencePieceVocabulary) {
    var builder = Builder(vocabulary)
    for id in 0..<vocabulary.count where vocabulary.isMergeable(id) { builder.addSplits(of: id) }
    table = builder.makeTable()
    symbols = builder.symbols
    cutsBeforeSpace = builder.cutsBeforeSpace
    neighbours = builder.neighbours
  }

  /// Appends the symbols of a text, which is valid UTF-8.
  func appendSymbols(of text: UnsafeBufferPointer<UInt8>, to symbols: inout [UInt32]) {
    self.symbols.forEachSymbol(of: text) { scalar, symbol in
      symbols.append(symbol == ScalarSymbols.none ? Self.scalarBit | scalar.value : symbol)
    }
  }

  private struct Builder {
    let vocabulary: SentencePieceVocabulary
    private(set) var symbols = ScalarSymbols()
    private(set) var cutsBeforeSpace = true
    private(set) var neighbours = SymbolPairSet()
    private var pairs: [(left: UInt32, right: UInt32, id: UInt32)] = []
    /// The rank of each piece: 0 for the highest score; the same for equal ones.
    private let ranks: [UInt32]

    init(_ vocabulary: SentencePieceVocabulary) {
      self.vocabulary = vocabulary
      let keys = vocabulary.scores.map(Self.sortKey)
      let ids = keys.indices.filter { vocabulary.isMergeable($0) }.sorted { keys[$0] > keys[$1] }
      var ranks = [UInt32](repeating: 0, count: vocabulary.count)
      var rank: UInt32 = 0
      for (place, id) in ids.enumerated() {
        if place > 0 && keys[ids[place - 1]] != keys[id] { rank += 1 }
        ranks[id] = rank
      }
      self.ranks = ranks
      for id in ids {
        let range = vocabulary.texts.range(of: id)
        let scalar = vocabulary.texts.bytes.withUnsafeBufferPointer {
          PackedScalar(at: range.lowerBound, in: $0)
        }
        if scalar.length == range.count { symbols.set(UInt32(id), for: scalar.value) }
      }
    }

    /// Numbers in the order of the scores. As in the library's later versions, 0 is more than −0.
    private static func sortKey(_ score: Float) -> Int32 {
      let pattern = Int32(bitPattern: score.bitPattern)
      return pattern < 0 ? pattern ^ Int32.max : pattern
    }

    mutating func addSplits(of id: Int) {
      if vocabulary.types[id] == .userDefined { return }
      vocabulary.texts.bytes.withUnsafeBufferPointer { bytes in
        let text = UnsafeBufferPointer(rebasing: bytes[vocabulary.texts.range(of: id)])
        var split = 0
        while true {
          let before = split
          let scalar = PackedScalar(at: split, in: text)
          split += scalar.length
          if split >= text.count { return }
          let next = PackedScalar(at: split, in: text)
          neighbours.insert(symbol(of: scalar), symbol(of: next))
          if SentencePieceNormalizer.isSpace(at: split, in: text)
            && !SentencePieceNormalizer.isSpace(at: before, in: text)
          {
            cutsBeforeSpace = false
          }
          guard let left = symbol(of: UnsafeBufferPointer(rebasing: text[..<split])),
            let right = symbol(of: UnsafeBufferPointer(rebasing: text[split...]))
          else { continue }
          pairs.append((left, right, UInt32(id)))
        }
      }
    }

    /// The symbol of a half: a piece, or a single character.
    private func symbol(of text: UnsafeBufferPointer<UInt8>) -> UInt32? {
      let scalar = PackedScalar(at: 0, in: text)
      if scalar.length == text.count { return symbol(of: scalar) }
      guard let id = vocabulary.texts.index(of: text), vocabulary.isMergeable(id),
        vocabulary.types[id] != .userDefined
      else { return nil }
      return UInt32(id)
    }

    /// The id of a character's piece, or the number of a character without one.
    private func symbol(of scalar: PackedScalar) -> UInt32 {
      let symbol = symbols[scalar.value]
      return symbol == ScalarSymbols.none ? scalarBit | scalar.value : symbol
    }

    func makeTable() -> MergeTable {
      var table = MergeTable(minimumCapacity: pairs.count)
      for pair in pairs {
        table.insert(pair.left, pair.right, rank: ranks[Int(pair.id)], id: pair.id)
      }
      return table
    }
  }
}
