// SplitPattern: the regular expressions that cut text into words, as hand-written matchers.
//
// Alternatives are tried in order and the first that matches wins; each takes as much as it can and
// gives back what it must. At least one of them matches at every character, so that the pieces
// cover the text. L, N: letters and numbers; other: neither, and no white space.
//
//   Llama 3                               GPT-2
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)          's|'t|'re|'ve|'m|'ll|'d
//   [^\r\n\p{L}\p{N}]?\p{L}+               ?\p{L}+
//   \p{N}{1,3}                             ?\p{N}+
//    ?[^\s\p{L}\p{N}]+[\r\n]*              ?[^\s\p{L}\p{N}]+
//   \s*[\r\n]+
//   \s+(?!\S)                             \s+(?!\S)
//   \s+                                   \s+

/// A pattern that cuts text into pieces without gaps.
package enum SplitPattern: Equatable, Sendable {
  /// GPT-2's, which ByteLevel applies of itself.
  case gpt2
  /// Llama 3's (and GPT-4's) with pieces of at most 3 digits, or Qwen2's with single digits.
  case llama3(longestNumber: Int)

  /// Recognises a pattern by its exact text; `nil` for all others.
  package init?(regex: [UInt8]) {
    if regex.elementsEqual(Self.gpt2Text.utf8) {
      self = .gpt2
    } else if regex.elementsEqual(Self.llama3Text(numbers: #"\p{N}{1,3}"#).utf8) {
      self = .llama3(longestNumber: 3)
    } else if regex.elementsEqual(Self.llama3Text(numbers: #"\p{N}"#).utf8) {
      self = .llama3(longestNumber: 1)
    } else {
      return nil
    }
  }

  private static let gpt2Text =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static func llama3Text(numbers: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// Appends the end of every piece of `text[range]` to `ends`.
  ///
  /// - Parameter text: UTF-8; `range` begins and ends between characters.
  /// - Complexity: O(bytes): no byte is looked at more than a few times.
  package func appendEnds(
    of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>, to ends: inout [Int]
  ) {
    let classes = UnicodeClasses.shared
    classes.pages.withUnsafeBufferPointer { pages in
      classes.blocks.withUnsafeBufferPointer { blocks in
        let scanner = Scanner(text: text, end: range.upperBound, pages: pages, blocks: blocks)
        var position = range.lowerBound
        while position < range.upperBound {
          switch self {
          case .gpt2: position = scanner.endOfGPT2Piece(at: position)
          case .llama3(let longest):
            position = scanner.endOfLlama3Piece(at: position, longestNumber: longest)
          }
          ends.append(position)
        }
      }
    }
  }
}

/// The character at a place: its classes and its length in UTF-8; nothing at the end of the text.
private struct ScannedScalar {
  /// Bits of ``UnicodeClasses``, or ``end``.
  let classes: UInt8
  let length: Int

  static let end: UInt8 = 128

  @inline(__always)
  func has(_ bits: UInt8) -> Bool { classes & bits != 0 }

  /// Neither letter, number nor white space, and not the end: `[^\s\p{L}\p{N}]`.
  @inline(__always)
  var isOther: Bool {
    !has(UnicodeClasses.letter | UnicodeClasses.number | UnicodeClasses.white | Self.end)
  }
}

/// The matchers, over one range of a text.
private struct Scanner {
  let text: UnsafeBufferPointer<UInt8>
  let end: Int
  let pages: UnsafeBufferPointer<UInt16>
  let blocks: UnsafeBufferPointer<UInt8>

  @inline(__always)
  func character(at position: Int) -> ScannedScalar {
    if position >= end { return ScannedScalar(classes: ScannedScalar.end, length: 0) }
    let lead = text[position]
    if lead < 0x80 { return ScannedScalar(classes: blocks[Int(lead)], length: 1) }
    return multibyteCharacter(at: position, lead: Int(lead))
  }

  /// The text is UTF-8 and cut between characters, so the bytes of the character are all there.
  private func multibyteCharacter(at position: Int, lead: Int) -> ScannedScalar {
    let scalar: Int
    let length: Int
    if lead < 0xE0 {
      length = 2
      scalar = (lead & 0x1F) << 6 | continuation(position + 1)
    } else if lead < 0xF0 {
      length = 3
      scalar =
        (lead & 0x0F) << 12 | continuation(position + 1) << 6 | continuation(position + 2)
    } else {
      length = 4
      let high = (lead & 0x07) << 18 | continuation(position + 1) << 12
      scalar = high | continuation(position + 2) << 6 | continuation(position + 3)
    }
    let block = Int(pages[scalar >> 8]) << 8
    return ScannedScalar(classes: blocks[block | scalar & 0xFF], length: length)
  }

  @inline(__always)
  private func continuation(_ position: Int) -> Int { Int(text[position] & 0x3F) }

  // MARK: Llama 3

  func endOfLlama3Piece(at start: Int, longestNumber: Int) -> Int {
    let lead = text[start]
    if lead == UInt8(ascii: "'"), let contraction = endOfContraction(at: start, foldingCase: true) {
      return contraction
    }
    let first = character(at: start)
    let afterFirst = start + first.length
    if first.has(UnicodeClasses.letter) {
      return endOfRun(of: UnicodeClasses.letter, at: afterFirst)
    }
    if first.has(UnicodeClasses.number) { return endOfNumber(at: start, longest: longestNumber) }
    if !first.has(UnicodeClasses.newline) {
      let second = character(at: afterFirst)
      if second.has(UnicodeClasses.letter) {
        return endOfRun(of: UnicodeClasses.letter, at: afterFirst + second.length)
      }
      if first.isOther || (lead == UInt8(ascii: " ") && second.isOther) {
        return endOfRun(of: UnicodeClasses.newline, at: endOfOthers(at: afterFirst))
      }
    }
    return endOfWhiteSpace(at: start, stoppingAfterNewlines: true)
  }

  // MARK: GPT-2

  func endOfGPT2Piece(at start: Int) -> Int {
    let lead = text[start]
    if lead == UInt8(ascii: "'"), let contraction = endOfContraction(at: start, foldingCase: false)
    {
      return contraction
    }
    // The optional space is U+0020 and is given back if nothing follows that may follow it.
    let begin = lead == UInt8(ascii: " ") ? start + 1 : start
    let first = character(at: begin)
    let afterFirst = begin + first.length
    if first.has(UnicodeClasses.letter) {
      return endOfRun(of: UnicodeClasses.letter, at: afterFirst)
    }
    if first.has(UnicodeClasses.number) {
      return endOfRun(of: UnicodeClasses.number, at: afterFirst)
    }
    if first.isOther { return endOfOthers(at: afterFirst) }
    return endOfWhiteSpace(at: start, stoppingAfterNewlines: false)
  }

  // MARK: Alternatives

  /// `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe. Folding case, U+017F (ſ) is an s; no other
  /// character beyond ASCII folds to one of these letters.
  private func endOfContraction(at start: Int, foldingCase: Bool) -> Int? {
    let first = letter(at: start + 1, foldingCase: foldingCase)
    let second = letter(at: start + 2, foldingCase: foldingCase)
    switch first {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return second == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return second == UInt8(ascii: "l") ? start + 3 : nil
    case 0xC5:
      return foldingCase && start + 2 < end && text[start + 2] == 0xBF ? start + 3 : nil
    default:
      return nil
    }
  }

  /// The byte at a place, an ASCII capital as its small letter if wanted; 0 at the end.
  private func letter(at position: Int, foldingCase: Bool) -> UInt8 {
    if position >= end { return 0 }
    let byte = text[position]
    let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
    return foldingCase && isCapital ? byte | 0x20 : byte
  }

  @inline(__always)
  private func endOfRun(of bits: UInt8, at start: Int) -> Int {
    var position = start
    while true {
      let next = character(at: position)
      if !next.has(bits) { return position }
      position += next.length
    }
  }

  private func endOfNumber(at start: Int, longest: Int) -> Int {
    var position = start
    for _ in 0..<longest {
      let next = character(at: position)
      if !next.has(UnicodeClasses.number) { break }
      position += next.length
    }
    return position
  }

  private func endOfOthers(at start: Int) -> Int {
    var position = start
    while true {
      let next = character(at: position)
      if !next.isOther { return position }
      position += next.length
    }
  }

  /// `\s*[\r\n]+` (if wanted), `\s+(?!\S)` and `\s+` at white space.
  ///
  /// The first goes up to the last newline of the run. The second takes a run that ends the text,
  /// and leaves the last character of any other; the third takes a single one.
  private func endOfWhiteSpace(at start: Int, stoppingAfterNewlines: Bool) -> Int {
    var position = start
    var last = start
    var afterNewline = start
    while true {
      let next = character(at: position)
      if !next.has(UnicodeClasses.white) { break }
      last = position
      position += next.length
      if next.has(UnicodeClasses.newline) { afterNewline = position }
    }
    if stoppingAfterNewlines && afterNewline > start { return afterNewline }
    return position == end || last == start ? position : last
  }
}
