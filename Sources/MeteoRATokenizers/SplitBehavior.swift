/// What `Split` does with the matches of its pattern.
enum SplitBehavior: String, CaseIterable, Sendable {
  /// Matches and the gaps between them become pieces.
  case isolated = "Isolated"
  /// Only the gaps become pieces.
  case removed = "Removed"
  /// A match belongs to the gap before it; one that follows a match stands alone.
  case mergedWithPrevious = "MergedWithPrevious"
  /// A match belongs to the gap after it; one that precedes a match stands alone.
  case mergedWithNext = "MergedWithNext"
  /// Matches that follow each other become one piece, and so do the gaps.
  case contiguous = "Contiguous"

  /// A match or a gap.
  struct Span: Equatable {
    var range: Range<Int>
    let isMatch: Bool
  }

  /// The pieces that spans, which cover a text, become; ascending.
  func pieces(of spans: [Span]) -> [Range<Int>] {
    switch self {
    case .isolated: spans.map(\.range)
    case .removed: spans.filter { !$0.isMatch }.map(\.range)
    case .contiguous: Self.merged(spans) { $0.isMatch == $1.isMatch }
    case .mergedWithPrevious: Self.merged(spans) { !$0.isMatch && $1.isMatch }
    case .mergedWithNext: Self.mergedWithNext(spans)
    }
  }

  /// Joins a span with the one before it where the two belong together.
  private static func merged(
    _ spans: [Span], _ belongTogether: (Span, Span) -> Bool
  ) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var previous: Span?
    for span in spans {
      if let previous, belongTogether(previous, span), let last = pieces.popLast() {
        pieces.append(last.lowerBound..<span.range.upperBound)
      } else {
        pieces.append(span.range)
      }
      previous = span
    }
    return pieces
  }

  private static func mergedWithNext(_ spans: [Span]) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    for (index, span) in spans.enumerated() {
      let isMerged = index > 0 && !span.isMatch && spans[index - 1].isMatch
      if isMerged, let match = pieces.popLast() {
        pieces.append(match.lowerBound..<span.range.upperBound)
      } else {
        pieces.append(span.range)
      }
    }
    return pieces
  }
}
