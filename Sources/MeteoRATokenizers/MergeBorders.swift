// MergeBorders: where a long piece can be cut without a merge noticing.
//
// A merge reaches over the border between two symbols a and b of a piece only if its left part ends
// in a and its right part begins with b. So a border between symbols for which no merge has such
// parts can be cut, and what is between cuts merged alone: short parts, of which many come again.

/// The pairs of symbols of a piece over whose border a merge can reach.
struct MergeBorders: Sendable {
  private var pairs = SymbolPairSet()

  /// A merge by the ids of its parts and of the token they make.
  typealias Merge = (left: UInt32, right: UInt32, whole: UInt32)

  /// - Parameters:
  ///   - merges: All merges.
  ///   - symbols: The ids that stand in a piece before any merge.
  ///   - idBound: One more than the largest id.
  /// - Returns: `nil` if a token can begin or end with different symbols, which good files do not
  ///   have.
  init?(_ merges: [Merge], symbols: [UInt32], idBound: Int) {
    let none = UInt32.max
    var firsts = [UInt32](repeating: none, count: idBound)
    var lasts = firsts
    for symbol in symbols {
      firsts[Int(symbol)] = symbol
      lasts[Int(symbol)] = symbol
    }
    // Merges mostly come after those that make their parts; others take further rounds.
    var waiting = merges[...]
    for _ in 0..<Self.mostRounds {
      var later: [Merge] = []
      for merge in waiting {
        let (first, last) = (firsts[Int(merge.left)], lasts[Int(merge.right)])
        let (border, next) = (lasts[Int(merge.left)], firsts[Int(merge.right)])
        if first == none || next == none {
          later.append(merge)
          continue
        }
        pairs.insert(border, next)
        let whole = Int(merge.whole)
        if firsts[whole] == none { (firsts[whole], lasts[whole]) = (first, last) }
        if firsts[whole] != first || lasts[whole] != last { return nil }
      }
      // What is left over waits for tokens that nothing makes.
      if later.count == waiting.count { return }
      waiting = later[...]
    }
    if !waiting.isEmpty { return nil }
  }

  private static let mostRounds = 8

  /// Cuts the symbols of a piece, and calls `body` with each part.
  func cut(_ symbols: [UInt32], _ body: (ArraySlice<UInt32>) -> Void) {
    pairs.cut(symbols, body)
  }
}
