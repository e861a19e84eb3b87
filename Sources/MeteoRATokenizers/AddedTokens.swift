import MeteoRASafetensors

/// A token that is found in the text before the model sees it.
struct AddedToken: Sendable {
  let id: UInt32
  /// The token's text, as UTF-8; not empty.
  let content: [UInt8]
  /// What is looked for: the content, or what the normalizer makes of it; not empty.
  let pattern: [UInt8]
  /// Left out when decoding without special tokens; no influence on encoding.
  let isSpecial: Bool
  /// Looked for in normalized text, its own content normalized too.
  let isNormalized: Bool
  /// Swallows all white space before it.
  let stripsLeft: Bool
  /// Swallows all white space after it.
  let stripsRight: Bool
  /// Found only where no `\w` character touches it.
  let isSingleWord: Bool

  /// The longest content of an added token, also after the normalizer. Matching takes at most this
  /// many steps for each byte of a text.
  static let longestContent = 1024
  /// The bytes of all added tokens together, for which a node each is made.
  static let longestContents = 8 << 20

  /// A token that is found as it stands, whatever is around it.
  static func plain(id: UInt32, content: [UInt8], isSpecial: Bool) -> AddedToken {
    AddedToken(
      id: id, content: content, pattern: content, isSpecial: isSpecial, isNormalized: false,
      stripsLeft: false, stripsRight: false, isSingleWord: false)
  }
}

/// A part of a text: an added token, or text between two of them.
enum Segment: Equatable, Sendable {
  case text(Range<Int>)
  case token(UInt32)
}

/// Finds added tokens in a text: the leftmost match, of several there the longest.
struct AddedTokenMatcher: Sendable {
  private let trie: ByteTrie
  private let tokens: [AddedToken]

  var isEmpty: Bool { tokens.isEmpty }

  /// - Parameter tokens: The tokens to find; of two with the same pattern the earlier one holds.
  init(_ tokens: [AddedToken]) {
    self.tokens = tokens
    trie = ByteTrie(tokens.map(\.pattern))
  }

  /// Cuts a text into added tokens and the text between them.
  ///
  /// A token that fails as a single word hides the shorter ones inside it. White space that one
  /// token swallows still counts as text for the tokens after it, as in the library; but of one
  /// that swallows white space before it, and so begins after what is swallowed, nothing can be
  /// left.
  func segments(of text: UnsafeBufferPointer<UInt8>) -> [Segment] {
    var segments: [Segment] = []
    var taken = 0
    var position = 0
    var white = WhiteSpaceRun()
    while position < text.count {
      guard let match = trie.longestMatch(at: position, in: text) else {
        position += 1
        continue
      }
      let (token, end) = (tokens[match.string], match.end)
      var start = position
      var stop = end
      position = end
      if token.isSingleWord && (isWord(before: start, in: text) || isWord(at: stop, in: text)) {
        continue
      }
      if token.stripsLeft {
        start = max(taken, beginOfWhiteSpace(before: start, from: taken, in: text))
      }
      if token.stripsRight { stop = white.end(from: stop, in: text) }
      if taken < start { segments.append(.text(taken..<start)) }
      if start < stop { segments.append(.token(token.id)) }
      taken = stop
    }
    if taken < text.count { segments.append(.text(taken..<text.count)) }
    return segments
  }

  // MARK: Neighbours

  private func isWord(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let (scalar, _) = TextScalar.read(at: position, in: text) else { return false }
    return UnicodeClasses.shared.classes(of: scalar) & UnicodeClasses.word != 0
  }

  private func isWord(before position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let (scalar, _) = TextScalar.read(before: position, in: text) else { return false }
    return UnicodeClasses.shared.classes(of: scalar) & UnicodeClasses.word != 0
  }

  /// Where the white space before `end` begins, not going below `limit`.
  private func beginOfWhiteSpace(
    before end: Int, from limit: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var start = end
    while start > limit, let (scalar, length) = TextScalar.read(before: start, in: text),
      UnicodeClasses.shared.classes(of: scalar) & UnicodeClasses.white != 0
    {
      start -= length
    }
    return start
  }
}

/// Finds ends of white space, each run once: without, a token of white space that swallows white
/// space would make matching quadratic.
private struct WhiteSpaceRun {
  private var run = 0..<0

  mutating func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    if run.contains(start) { return run.upperBound }
    var end = start
    while let (scalar, length) = TextScalar.read(at: end, in: text),
      UnicodeClasses.shared.classes(of: scalar) & UnicodeClasses.white != 0
    {
      end += length
    }
    run = start..<end
    return end
  }
}

/// Single scalars of UTF-8 text; `nil` beyond its ends.
private enum TextScalar {
  static func read(
    at position: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    guard position < text.count,
      case .character(let length) = UTF8Text.sequence(at: position, in: text)
    else { return nil }
    var value = UInt32(text[position])
    if length > 1 { value &= 0xFF >> UInt32(length + 1) }
    for offset in 1..<max(length, 1) {
      value = value << 6 | UInt32(text[position + offset] & 0x3F)
    }
    return Unicode.Scalar(value).map { ($0, length) }
  }

  static func read(
    before position: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    var start = position - 1
    while start > 0 && text[start] & 0xC0 == 0x80 { start -= 1 }
    return start < 0 ? nil : read(at: start, in: text)
  }
}
