import MeteoRASafetensors

/// What is looked for in a text: matches are never empty, do not overlap, and come leftmost first.
enum TextPattern: Sendable {
  /// A text, which is not empty.
  case literal([UInt8])
  /// Each scalar of a set by itself.
  case scalars(ScalarTable)
  /// A pattern that cuts all of a text into words, each a match.
  case words(SplitPattern)
  case regex(TextRegex)

  /// Reads a regular expression, given as UTF-8.
  init(regex: [UInt8]) throws(RegexSyntaxError) {
    if let words = SplitPattern(regex: regex) {
      self = .words(words)
    } else {
      self = .regex(try TextRegex(regex))
    }
  }

  /// Whether every match is sure to be one scalar.
  var matchesOneScalar: Bool {
    switch self {
    case .literal(let literal):
      literal.withUnsafeBufferPointer { UTF8Text.scalar(at: 0, in: $0).length == $0.count }
    case .scalars: true
    case .words, .regex: false
    }
  }

  /// Appends the ranges of all matches in `text[range]`; no match looks beyond it.
  ///
  /// - Parameter text: UTF-8; `range` begins and ends between characters.
  func appendMatches(
    in range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, to matches: inout [Range<Int>]
  ) {
    switch self {
    case .literal(let literal):
      Self.appendMatches(of: literal, in: range, of: text, to: &matches)
    case .scalars(let table):
      var position = range.lowerBound
      while position < range.upperBound {
        let (scalar, length) = UTF8Text.scalar(at: position, in: text)
        if table.contains(scalar) { matches.append(position..<position + length) }
        position += length
      }
    case .words(let words):
      var ends: [Int] = []
      words.appendEnds(of: range, in: text, to: &ends)
      var start = range.lowerBound
      for end in ends {
        matches.append(start..<end)
        start = end
      }
    case .regex(let regex):
      regex.appendMatches(in: range, of: text, to: &matches)
    }
  }

  /// Searches with the borders of Knuth, Morris and Pratt, so that a literal like "aaa…b" takes no
  /// longer than another.
  private static func appendMatches(
    of literal: [UInt8], in range: Range<Int>, of text: UnsafeBufferPointer<UInt8>,
    to matches: inout [Range<Int>]
  ) {
    let borders = borders(of: literal)
    var matched = 0
    for position in range {
      let byte = text[position]
      while matched > 0 && literal[matched] != byte { matched = borders[matched - 1] }
      if literal[matched] == byte { matched += 1 }
      if matched == literal.count {
        matches.append(position + 1 - matched..<position + 1)
        matched = 0
      }
    }
  }

  /// For each beginning of a literal, the length of the longest shorter one that it ends in.
  private static func borders(of literal: [UInt8]) -> [Int] {
    var borders = [Int](repeating: 0, count: literal.count)
    var matched = 0
    for index in literal.indices.dropFirst() {
      while matched > 0 && literal[matched] != literal[index] { matched = borders[matched - 1] }
      if literal[matched] == literal[index] { matched += 1 }
      borders[index] = matched
    }
    return borders
  }
}

/// `Replace`: every match of a pattern becomes the same text.
struct TextReplacement: Sendable {
  let pattern: TextPattern
  /// UTF-8, possibly empty.
  let content: [UInt8]

  func apply(to text: [UInt8]) -> [UInt8] {
    var matches: [Range<Int>] = []
    text.withUnsafeBufferPointer {
      pattern.appendMatches(in: 0..<$0.count, of: $0, to: &matches)
    }
    if matches.isEmpty { return text }
    var replaced: [UInt8] = []
    replaced.reserveCapacity(text.count + matches.count * content.count)
    var start = 0
    for match in matches {
      replaced += text[start..<match.lowerBound]
      replaced += content
      start = match.upperBound
    }
    replaced += text[start...]
    return replaced
  }
}
