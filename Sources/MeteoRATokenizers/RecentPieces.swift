/// The pieces of one list that were merged last, so that a word that comes again is copied.
///
/// Direct mapped: a piece drives out the one that had its place. Holds places in the text and in
/// the ids instead of copies, so that its size does not depend on the pieces.
struct RecentPieces {
  private struct Entry {
    var hash: UInt64
    var piece: Range<Int>
    var ids: Range<Int>
  }

  private var entries: [Entry]

  /// Short texts hardly repeat a word, and get no cache.
  init(textLength: Int) {
    var count = 0
    if textLength >= 1024 {
      count = 256
      while count < 32768 && count * 64 < textLength { count *= 2 }
    }
    entries = [Entry](repeating: Entry(hash: 0, piece: 0..<0, ids: 0..<0), count: count)
  }

  /// Where the ids of an equal piece stand.
  func ids(
    of piece: Range<Int>, hash: UInt64, in bytes: UnsafeBufferPointer<UInt8>
  ) -> Range<Int>? {
    if entries.isEmpty { return nil }
    let entry = entries[Int(truncatingIfNeeded: hash) & (entries.count - 1)]
    if entry.hash != hash || entry.piece.count != piece.count { return nil }
    for offset in 0..<piece.count
    where bytes[entry.piece.lowerBound + offset] != bytes[piece.lowerBound + offset] {
      return nil
    }
    return entry.ids
  }

  mutating func remember(_ piece: Range<Int>, hash: UInt64, ids: Range<Int>) {
    if entries.isEmpty { return }
    entries[Int(truncatingIfNeeded: hash) & (entries.count - 1)] =
      Entry(hash: hash, piece: piece, ids: ids)
  }
}
