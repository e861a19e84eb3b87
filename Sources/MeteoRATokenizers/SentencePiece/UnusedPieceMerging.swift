// UnusedPieceMerging: the encoding of models that have pieces of type "unused".
//
// Such a piece takes part in merging, but must not come out: it is taken apart again into the two
// halves from which it could last be made, *anywhere in the text* before merging ended, and these
// in turn. So the whole text is one run here, and every pair of neighbours that could merge is
// noted in the order in which the library looks at it. An unused piece of one character becomes
// unknown.

/// Merging that remembers of what unused pieces were made.
struct UnusedPieceMerging: Sendable {
  /// Whether an id is that of an unused piece.
  let isUnused: [Bool]

  /// The halves of the unused pieces that were seen.
  private struct Halves {
    var symbols: [UInt32: (left: UInt32, right: UInt32)] = [:]
  }

  /// Appends the ids of a normalized text; each unknown for itself.
  ///
  /// - Complexity: O(n log n).
  func append(
    _ text: UnsafeBufferPointer<UInt8>, of model: SentencePieceModel, to ids: inout [Int]
  ) {
    var symbols: [UInt32] = []
    // User-defined symbols merge with nothing: their number is one that no merge knows.
    let frozenBit: UInt32 = 1 << 31
    for segment in model.normalizer.symbols.segments(of: text) {
      switch segment {
      case .token(let id): symbols.append(frozenBit | id)
      case .text(let range):
        model.merges.appendSymbols(
          of: UnsafeBufferPointer(rebasing: text[range]), to: &symbols)
      }
    }
    var halves = Halves()
    model.merges.table.merge(&symbols) { left, right, merged in
      if isUnused[Int(merged)] { halves.symbols[merged] = (left, right) }
    }
    var open: [UInt32] = []
    for symbol in symbols {
      open.append(symbol)
      while let next = open.popLast() {
        if next & frozenBit != 0 {
          ids.append(Int(next & ~frozenBit))
        } else if next & SentencePieceMerges.scalarBit == 0 && isUnused[Int(next)] {
          if let (left, right) = halves.symbols[next] {
            open += [right, left]
          } else {
            appendCharacter(next, of: model, to: &ids)
          }
        } else {
          model.append(next, to: &ids)
        }
      }
    }
  }

  /// Appends what stands for a character whose piece is unused.
  private func appendCharacter(
    _ symbol: UInt32, of model: SentencePieceModel, to ids: inout [Int]
  ) {
    let text = model.vocabulary.texts[Int(symbol)]
    let scalar = text.withUnsafeBufferPointer { PackedScalar(at: 0, in: $0) }
    model.append(SentencePieceMerges.scalarBit | scalar.value, to: &ids)
  }
}
