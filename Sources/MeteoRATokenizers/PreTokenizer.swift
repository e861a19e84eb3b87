/// Text on its way to the model: UTF-8 cut into pieces, which no merge ever crosses.
struct PieceList: Sendable {
  /// The bytes of all pieces, one after the other.
  var bytes: [UInt8]
  /// The end of each piece in `bytes`, ascending; a piece begins where the one before ends.
  var ends: [Int]
  /// Whether the first piece begins where the whole text begins.
  var beginsText: Bool

  /// One piece.
  init(_ text: some Sequence<UInt8>, beginsText: Bool = true) {
    bytes = Array(text)
    ends = bytes.isEmpty ? [] : [bytes.count]
    self.beginsText = beginsText
  }

  /// Keeps only some ranges of the bytes, ascending, which become the pieces.
  mutating func cut(into ranges: [Range<Int>]) {
    let kept = ranges.reduce(0) { $0 + $1.count }
    if kept == bytes.count {
      ends = ranges.map(\.upperBound)
      return
    }
    if ranges.first?.lowerBound != 0 { beginsText = false }
    var keptBytes: [UInt8] = []
    keptBytes.reserveCapacity(kept)
    ends.removeAll(keepingCapacity: true)
    for range in ranges {
      keptBytes += bytes[range]
      ends.append(keptBytes.count)
    }
    bytes = keptBytes
  }
}

/// A step that cuts the text between added tokens into pieces, or rewrites the pieces.
///
/// Every segment of text between added tokens goes through all steps in order, beginning as one
/// piece. No step makes empty pieces.
protocol PreTokenizer: Sendable {
  func apply(to pieces: inout PieceList)
  /// Takes into account what the step can make of a text, given what the steps after it can.
  func precede(_ growth: inout TextGrowth)
}

/// `Split`: matches of a pattern and the gaps between them become pieces as the behavior says.
struct SplitPreTokenizer: PreTokenizer {
  let pattern: TextPattern
  let behavior: SplitBehavior
  /// Whether gaps count as matches and matches as gaps.
  let isInverted: Bool

  init(_ pattern: TextPattern, _ behavior: SplitBehavior, isInverted: Bool = false) {
    self.pattern = pattern
    self.behavior = behavior
    self.isInverted = isInverted
  }

  func apply(to pieces: inout PieceList) {
    if case .words(let words) = pattern, behavior == .isolated {
      pieces.ends = Self.ends(of: words, in: pieces)
      return
    }
    var ranges: [Range<Int>] = []
    pieces.bytes.withUnsafeBufferPointer { text in
      var start = 0
      for end in pieces.ends {
        ranges += behavior.pieces(of: spans(of: start..<end, in: text))
        start = end
      }
    }
    pieces.cut(into: ranges)
  }

  func precede(_ growth: inout TextGrowth) { growth.cut() }

  /// Where words end; they leave no gaps.
  private static func ends(of words: SplitPattern, in pieces: PieceList) -> [Int] {
    var ends: [Int] = []
    ends.reserveCapacity(pieces.ends.count + pieces.bytes.count / 4)
    pieces.bytes.withUnsafeBufferPointer { text in
      var start = 0
      for end in pieces.ends {
        words.appendEnds(of: start..<end, in: text, to: &ends)
        start = end
      }
    }
    return ends
  }

  private func spans(
    of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>
  ) -> [SplitBehavior.Span] {
    var matches: [Range<Int>] = []
    pattern.appendMatches(in: range, of: text, to: &matches)
    var spans: [SplitBehavior.Span] = []
    spans.reserveCapacity(2 * matches.count + 1)
    var start = range.lowerBound
    for match in matches {
      if start < match.lowerBound {
        spans.append(.init(range: start..<match.lowerBound, isMatch: isInverted))
      }
      spans.append(.init(range: match, isMatch: !isInverted))
      start = match.upperBound
    }
    if start < range.upperBound {
      spans.append(.init(range: start..<range.upperBound, isMatch: isInverted))
    }
    return spans
  }
}

/// `ByteLevel`: every byte becomes one character of ``ByteLevelAlphabet``.
struct ByteLevelPreTokenizer: PreTokenizer {
  /// Whether a space is put before every piece that does not begin with U+0020.
  let addsPrefixSpace: Bool
  /// Whether the pieces are cut by GPT-2's pattern, after the space is put and before the bytes
  /// are rewritten.
  let splits: Bool

  func apply(to pieces: inout PieceList) {
    if addsPrefixSpace { addSpaces(to: &pieces) }
    if splits { SplitPreTokenizer(.words(.gpt2), .isolated).apply(to: &pieces) }
    var rewritten: [UInt8] = []
    rewritten.reserveCapacity(pieces.bytes.count + pieces.bytes.count / 2)
    var start = 0
    for index in pieces.ends.indices {
      let end = pieces.ends[index]
      pieces.bytes.withUnsafeBufferPointer { text in
        let piece = UnsafeBufferPointer(rebasing: text[start..<end])
        ByteLevelAlphabet.append(piece, to: &rewritten)
      }
      pieces.ends[index] = rewritten.count
      start = end
    }
    pieces.bytes = rewritten
  }

  func precede(_ growth: inout TextGrowth) {
    growth.encodeByteLevel()
    if splits { growth.cut() }
    if addsPrefixSpace { growth.prepend([UInt8(ascii: " ")]) }
  }

  private func addSpaces(to pieces: inout PieceList) {
    var spaced: [UInt8] = []
    spaced.reserveCapacity(pieces.bytes.count + pieces.ends.count)
    var start = 0
    for index in pieces.ends.indices {
      let end = pieces.ends[index]
      if pieces.bytes[start] != UInt8(ascii: " ") { spaced.append(UInt8(ascii: " ")) }
      spaced += pieces.bytes[start..<end]
      pieces.ends[index] = spaced.count
      start = end
    }
    pieces.bytes = spaced
  }
}
