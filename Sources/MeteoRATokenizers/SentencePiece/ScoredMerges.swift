// ScoredMerges: the merges of a SentencePiece model as a list, in the order of their ranks.
//
// A piece can be made of any two pieces that are its halves. The higher its score, the earlier; of
// equal scores the longer left half, then the longer right half, then the smaller id. Transformers
// makes this list of a model (4.57; earlier releases order equal scores by id alone), of all
// pieces, control pieces and bytes too, and gives the first three pieces the score 0.

import MeteoRASafetensors

extension SentencePieceVocabulary {
  /// Two halves of a piece.
  private struct Split {
    let score: Float
    let merge: MergeBorders.Merge
    let leftLength: Int
    let rightLength: Int

    static func precedes(_ first: Split, _ second: Split) -> Bool {
      if first.score != second.score { return first.score > second.score }
      if first.leftLength != second.leftLength { return first.leftLength > second.leftLength }
      if first.rightLength != second.rightLength { return first.rightLength > second.rightLength }
      return first.merge.whole < second.merge.whole
    }
  }

  /// The merges of all pieces, the earliest first.
  ///
  /// - Parameter source: The name of the model file in errors.
  func scoredMerges(source: String) throws(TokenizerError) -> [MergeBorders.Merge] {
    var splits: [Split] = []
    for id in 0..<count {
      let score = id < 3 ? 0 : scores[id]
      if score.isNaN {
        throw .malformed(
          source: source,
          problem: "piece \(id) '\(printable(texts[id]))' has the score NaN, expected a number")
      }
      let length = texts[id].reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
      if length > Self.longestMergedPiece {
        throw .unsupported(
          source: source, feature: "piece \(id) of \(length) characters",
          alternative: "pieces of at most \(Self.longestMergedPiece) are")
      }
      appendSplits(of: UInt32(id), length: length, score: score, to: &splits)
    }
    splits.sort(by: Split.precedes)
    return splits.map(\.merge)
  }

  private func appendSplits(of id: UInt32, length: Int, score: Float, to splits: inout [Split]) {
    texts.bytes.withUnsafeBufferPointer { bytes in
      let text = UnsafeBufferPointer(rebasing: bytes[texts.range(of: Int(id))])
      var leftLength = 0
      for place in text.indices.dropFirst() where text[place] & 0xC0 != 0x80 {
        leftLength += 1
        guard let left = texts.index(of: UnsafeBufferPointer(rebasing: text[..<place])),
          let right = texts.index(of: UnsafeBufferPointer(rebasing: text[place...]))
        else { continue }
        splits.append(
          Split(
            score: score, merge: (UInt32(left), UInt32(right), id), leftLength: leftLength,
            rightLength: length - leftLength))
      }
    }
  }
}
