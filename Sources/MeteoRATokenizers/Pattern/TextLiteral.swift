/// A text to be looked for, not empty, as UTF-8.
///
/// It is searched with the borders of Knuth, Morris and Pratt, so that a literal like "aaa…b" takes
/// no longer than another.
struct TextLiteral: Sendable {
  let bytes: [UInt8]
  /// For each beginning, the length of the longest shorter one that it ends in.
  ///
  /// Made once: there are as many searches as pieces or tokens.
  private let borders: [Int32]

  init(_ bytes: [UInt8]) {
    var borders = [Int32](repeating: 0, count: bytes.count)
    var matched = 0
    for index in bytes.indices.dropFirst() {
      while matched > 0 && bytes[matched] != bytes[index] { matched = Int(borders[matched - 1]) }
      if bytes[matched] == bytes[index] { matched += 1 }
      borders[index] = Int32(truncatingIfNeeded: matched)
    }
    self.bytes = bytes
    self.borders = borders
  }

  /// Appends the ranges of all matches in `text[range]`, which do not overlap.
  func appendMatches(
    in range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, to matches: inout [Range<Int>]
  ) {
    var matched = 0
    for position in range {
      let byte = text[position]
      while matched > 0 && bytes[matched] != byte { matched = Int(borders[matched - 1]) }
      if bytes[matched] == byte { matched += 1 }
      if matched == bytes.count {
        matches.append(position + 1 - matched..<position + 1)
        matched = 0
      }
    }
  }
}
