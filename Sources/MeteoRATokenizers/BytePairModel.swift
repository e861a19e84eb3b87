// BytePairModel: pieces to ids, by byte-pair encoding over Unicode scalars.
//
//   piece ─▶ the vocabulary's id for all of it, if `ignoresMerges`
//         └▶ one symbol per scalar ─▶ merges, lowest rank first ─▶ ids
//
// Long pieces, such as a whole text in Llama 2's file, are cut where no merge reaches first.

/// A byte-pair-encoding model.
struct BytePairModel: Sendable {
  /// What becomes of a scalar that the vocabulary lacks.
  struct Fallback: Sendable {
    /// The id that stands for it; without one it is dropped.
    var unknown: UInt32?
    /// Whether a run of such scalars becomes one ``unknown``.
    var fusesUnknown = false
    /// The ids of `<0x00>` … `<0xFF>`, if bytes are tried before ``unknown``; `nil` where the
    /// vocabulary lacks one.
    var bytes: [UInt32?]?

    /// The ids of `<0x00>` … `<0xFF>`, as ``bytes`` has them.
    static func byteIDs(in vocabulary: Vocabulary) -> [UInt32?] {
      (0...255).map { byte in
        let digits = String(byte, radix: 16, uppercase: true)
        return vocabulary.id(of: (byte < 16 ? "<0x0\(digits)>" : "<0x\(digits)>").utf8)
      }
    }
  }

  let vocabulary: Vocabulary
  let merges: MergeTable
  /// Whether a piece that is in the vocabulary as a whole is that token, merges or not.
  let ignoresMerges: Bool
  let fallback: Fallback
  /// Where long pieces can be cut; `nil` where they cannot.
  private let borders: MergeBorders?
  /// The ids of tokens that are one scalar.
  private let scalarIDs: ScalarSymbols

  /// - Parameters:
  ///   - merges: As ``MergeBorders`` takes them, in the order of their ranks.
  init(
    vocabulary: Vocabulary, merges: [MergeBorders.Merge], ignoresMerges: Bool, fallback: Fallback
  ) {
    var table = MergeTable(minimumCapacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      table.insert(merge.left, merge.right, rank: UInt32(rank), id: merge.whole)
    }
    let scalarIDs = Self.scalarIDs(of: vocabulary)
    var symbols = scalarIDs.ids + (fallback.bytes ?? []).compactMap { $0 }
    if let unknown = fallback.unknown { symbols.append(unknown) }
    self.vocabulary = vocabulary
    self.merges = table
    self.ignoresMerges = ignoresMerges
    self.fallback = fallback
    self.scalarIDs = scalarIDs.symbols
    borders =
      vocabulary.idsAreDense
      ? MergeBorders(merges, symbols: symbols, idBound: vocabulary.idBound) : nil
  }

  private static func scalarIDs(
    of vocabulary: Vocabulary
  ) -> (symbols: ScalarSymbols, ids: [UInt32]) {
    var symbols = ScalarSymbols()
    var ids: [UInt32] = []
    vocabulary.tokens.bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<vocabulary.count {
        let range = vocabulary.tokens.range(of: index)
        if range.isEmpty || range.count > 4 { continue }
        let scalar = PackedScalar(at: range.lowerBound, in: bytes)
        if scalar.length != range.count { continue }
        symbols.set(vocabulary.ids[index], for: scalar.value)
        ids.append(vocabulary.ids[index])
      }
    }
    return (symbols, ids)
  }

  /// Appends the ids of all pieces.
  ///
  /// - Complexity: O(n log n) for a piece of n characters; a piece that came before in the same
  ///   list is copied from there, if it is still remembered.
  func append(_ pieces: PieceList, to ids: inout [Int]) {
    var recent = RecentPieces(textLength: pieces.bytes.count)
    var symbols: [UInt32] = []
    pieces.bytes.withUnsafeBufferPointer { bytes in
      var start = 0
      for end in pieces.ends {
        let piece = UnsafeBufferPointer(rebasing: bytes[start..<end])
        let range = start..<end
        start = end
        let hash = ByteStringTable.hash(of: piece)
        if ignoresMerges, let index = vocabulary.tokens.index(of: piece, hash: hash) {
          ids.append(Int(vocabulary.ids[index]))
          continue
        }
        if let known = recent.ids(of: range, hash: hash, in: bytes) {
          for place in known { ids.append(ids[place]) }
          continue
        }
        let firstID = ids.count
        symbols.removeAll(keepingCapacity: true)
        appendSymbols(of: piece, to: &symbols)
        if symbols.count > Self.longestWholePiece, let borders {
          append(symbols, cutAt: borders, to: &ids)
        } else {
          merges.merge(&symbols, from: 0)
          for symbol in symbols { ids.append(Int(symbol)) }
        }
        recent.remember(range, hash: hash, ids: firstID..<ids.count)
      }
    }
  }

  /// Longer pieces are cut, which takes a look at every pair of symbols.
  private static let longestWholePiece = 32

  /// Appends the ids of a piece, given as its symbols.
  private func append(_ symbols: [UInt32], cutAt borders: MergeBorders, to ids: inout [Int]) {
    let width = MemoryLayout<UInt32>.size
    var recent = RecentPieces(textLength: symbols.count)
    var merged: [UInt32] = []
    symbols.withUnsafeBytes { raw in
      let bytes = raw.bindMemory(to: UInt8.self)
      borders.cut(symbols) { part in
        if part.count == 1 {
          for symbol in part { ids.append(Int(symbol)) }
          return
        }
        let range = part.startIndex * width..<part.endIndex * width
        let hash = ByteStringTable.hash(of: UnsafeBufferPointer(rebasing: bytes[range]))
        if let known = recent.ids(of: range, hash: hash, in: bytes) {
          for place in known { ids.append(ids[place]) }
          return
        }
        let firstID = ids.count
        merged.removeAll(keepingCapacity: true)
        merged += part
        merges.merge(&merged, from: 0)
        for symbol in merged { ids.append(Int(symbol)) }
        recent.remember(range, hash: hash, ids: firstID..<ids.count)
      }
    }
  }

  // MARK: Symbols

  private func appendSymbols(of piece: UnsafeBufferPointer<UInt8>, to symbols: inout [UInt32]) {
    // The library keeps an unknown back until it knows whether the next scalar is unknown too, and
    // does not let it out before the tokens of byte fallback, which so come before it.
    var pendingUnknown: UInt32?
    var position = 0
    scalarIDs.forEachSymbol(of: piece) { scalar, id in
      let bytes = position..<position + scalar.length
      position = bytes.upperBound
      if id != ScalarSymbols.none {
        if let unknown = pendingUnknown.take() { symbols.append(unknown) }
        symbols.append(id)
      } else if !appendBytes(of: UnsafeBufferPointer(rebasing: piece[bytes]), to: &symbols),
        let unknown = fallback.unknown
      {
        if pendingUnknown != nil && !fallback.fusesUnknown { symbols.append(unknown) }
        pendingUnknown = unknown
      }
    }
    if let unknown = pendingUnknown { symbols.append(unknown) }
  }

  /// Appends the tokens `<0xHH>` of a scalar's bytes, if all of them exist.
  private func appendBytes(
    of scalar: UnsafeBufferPointer<UInt8>, to symbols: inout [UInt32]
  ) -> Bool {
    guard let bytes = fallback.bytes else { return false }
    for byte in scalar where bytes[Int(byte)] == nil { return false }
    for byte in scalar {
      if let id = bytes[Int(byte)] { symbols.append(id) }
    }
    return true
  }
}
