// BytePairModel: pieces to ids, by byte-pair encoding over Unicode scalars.
//
//   piece ─▶ the vocabulary's id for all of it, if `ignoresMerges`
//         └▶ one symbol per scalar ─▶ merges, lowest rank first ─▶ ids

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
  }

  let vocabulary: Vocabulary
  let merges: MergeTable
  /// Whether a piece that is in the vocabulary as a whole is that token, merges or not.
  let ignoresMerges: Bool
  let fallback: Fallback
  /// The ids of the scalars below ``ByteLevelAlphabet/scalarBound``, which byte-level text is
  /// made of; ``noID`` where the vocabulary lacks one.
  private let smallScalarIDs: [UInt32]

  private static let noID = UInt32.max

  init(
    vocabulary: Vocabulary, merges: MergeTable, ignoresMerges: Bool, fallback: Fallback
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.ignoresMerges = ignoresMerges
    self.fallback = fallback
    smallScalarIDs = (0..<ByteLevelAlphabet.scalarBound).map { value in
      Unicode.Scalar(value).flatMap { vocabulary.id(of: String($0).utf8) } ?? Self.noID
    }
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
        merges.merge(&symbols, from: 0)
        for symbol in symbols { ids.append(Int(symbol)) }
        recent.remember(range, hash: hash, ids: firstID..<ids.count)
      }
    }
  }

  // MARK: Symbols

  private func appendSymbols(of piece: UnsafeBufferPointer<UInt8>, to symbols: inout [UInt32]) {
    // The library keeps an unknown back until it knows whether the next scalar is unknown too, and
    // does not let it out before the tokens of byte fallback, which so come before it.
    var pendingUnknown: UInt32?
    smallScalarIDs.withUnsafeBufferPointer { smallScalarIDs in
      var position = 0
      while position < piece.count {
        let lead = piece[position]
        let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        let scalar = UnsafeBufferPointer(rebasing: piece[position..<position + length])
        position += length
        let id: UInt32
        if length == 1 {
          id = smallScalarIDs[Int(lead)]
        } else if lead < 0xC5 {
          id = smallScalarIDs[Int(lead & 0x1F) << 6 | Int(scalar[1] & 0x3F)]
        } else {
          id = vocabulary.id(of: scalar) ?? Self.noID
        }
        if id != Self.noID {
          if let unknown = pendingUnknown.take() { symbols.append(unknown) }
          symbols.append(id)
        } else if !appendBytes(of: scalar, to: &symbols), let unknown = fallback.unknown {
          if pendingUnknown != nil && !fallback.fusesUnknown { symbols.append(unknown) }
          pendingUnknown = unknown
        }
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
