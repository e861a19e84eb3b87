import MeteoRASafetensors

/// What is looked for in a text: matches are never empty, do not overlap, and come leftmost first.
enum TextPattern: Sendable {
  /// A text.
  case literal(TextLiteral)
  /// Each scalar of a set by itself.
  case scalars(ScalarTable)
  /// A pattern that cuts all of a text into words, each a match.
  case words(SplitPattern)
  case regex(TextRegex)

  /// A text to be found as it is; not empty.
  static func literal(_ bytes: [UInt8]) -> TextPattern { .literal(TextLiteral(bytes)) }

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
      literal.bytes.withUnsafeBufferPointer { UTF8Text.scalar(at: 0, in: $0).length == $0.count }
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
      literal.appendMatches(in: range, of: text, to: &matches)
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
