// RegexNode+Folding: letters without regard to case.
//
// Oniguruma folds texts, not scalars: where letters follow each other in (?i:…), such as "ss", it
// also takes the one scalar that folds to them, here "ß". That is not done here; patterns that ask
// for it are found by what they match, however the letters are written.

extension RegexNode {
  /// The scalars that fold to a small ASCII letter; beyond ASCII only U+017F (ſ) and U+212A (K).
  static func spellings(of small: UInt32) -> ScalarSet {
    var ranges = [small...small, small - 0x20...small - 0x20]
    if small == 0x73 { ranges.append(0x17F...0x17F) }
    if small == 0x6B { ranges.append(0x212A...0x212A) }
    return ScalarSet(ranges)
  }

  /// Letters that one scalar together can fold to: of "ß", "ﬆ", "ﬀ", "ﬁ" and "ﬂ", of which the
  /// longer ones consist. All other such texts have a scalar beyond ASCII.
  private static let foldingPairs: [(first: UInt32, second: UInt32)] = [
    ("s", "s"), ("s", "t"), ("f", "f"), ("f", "i"), ("f", "l"),
  ].map { (first: Unicode.Scalar, second: Unicode.Scalar) in
    (bit(of: first.value), bit(of: second.value))
  }

  /// Whether letters without regard to case can follow each other that one scalar folds to.
  ///
  /// Letters that only a repetition brings together do not count: neither do they in Oniguruma.
  var hasFoldingPair: Bool {
    switch self {
    case .scalar, .letter, .look, .lineEnd:
      return false
    case .repetition(let part, _, _, _):
      return part.hasFoldingPair
    case .alternatives(let parts):
      return parts.contains(where: \.hasFoldingPair)
    case .sequence(let parts):
      var before: UInt32 = 0
      for part in parts {
        let after = part.letters(atEnd: false)
        let isPair = Self.foldingPairs.contains { before & $0.first != 0 && after & $0.second != 0 }
        if isPair || part.hasFoldingPair { return true }
        before = (part.canBeEmpty ? before : 0) | part.letters(atEnd: true)
      }
      return false
    }
  }

  /// The letters that what the part matches can begin or end with, as bits.
  private func letters(atEnd: Bool) -> UInt32 {
    switch self {
    case .letter(let small):
      return Self.bit(of: small)
    case .scalar, .look, .lineEnd:
      return 0
    case .repetition(let part, _, _, _):
      return part.letters(atEnd: atEnd)
    case .alternatives(let parts):
      return parts.reduce(0) { $0 | $1.letters(atEnd: atEnd) }
    case .sequence(let parts):
      var letters: UInt32 = 0
      for index in parts.indices {
        let part = parts[atEnd ? parts.count - 1 - index : index]
        letters |= part.letters(atEnd: atEnd)
        if !part.canBeEmpty { break }
      }
      return letters
    }
  }

  private static func bit(of small: UInt32) -> UInt32 { 1 << (small - 0x61) }
}
