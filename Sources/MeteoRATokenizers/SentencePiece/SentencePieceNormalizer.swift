// SentencePieceNormalizer: a text as the model sees it.
//
//   text ─▶ user-defined symbols kept, other characters by the map ─▶ spaces trimmed and joined
//        ─▶ U+0020 becomes ▁ (U+2581) ─▶ one ▁ in front, or behind

/// Prepares a text for the merging.
struct SentencePieceNormalizer: Sendable {
  /// ▁, U+2581.
  static let space: [UInt8] = [0xE2, 0x96, 0x81]

  /// Whether ▁ stands at a place.
  @inline(__always)
  static func isSpace(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    position + 2 < text.count && text[position] == 0xE2 && text[position + 1] == 0x96
      && text[position + 2] == 0x81
  }

  /// The user-defined symbols, which are copied as they are.
  let symbols: AddedTokenMatcher
  /// The texts of all pieces.
  let texts: ByteStringTable
  let charsmap: PrecompiledCharsmap?
  let addsDummyPrefix: Bool
  let removesExtraSpaces: Bool
  let escapesSpaces: Bool
  /// Whether the space of ``addsDummyPrefix`` stands at the end.
  let putsSpaceLast: Bool

  private var outputSpace: [UInt8] { escapesSpaces ? Self.space : [0x20] }

  /// Prepares a text, which is valid UTF-8.
  ///
  /// - Complexity: O(bytes).
  func normalize(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    if text.isEmpty { return [] }
    var writer = Writer(normalizer: self, capacity: text.count + text.count / 2 + 8)
    if symbols.isEmpty && charsmap == nil {
      writer.append(text)
    } else {
      for segment in matches(in: text) {
        switch segment {
        case .symbol(let range): writer.append(chunk: UnsafeBufferPointer(rebasing: text[range]))
        case .text(let range): append(UnsafeBufferPointer(rebasing: text[range]), to: &writer)
        }
      }
    }
    return writer.finish()
  }

  private func append(_ text: UnsafeBufferPointer<UInt8>, to writer: inout Writer) {
    guard let charsmap else { return writer.append(text) }
    var position = 0
    while position < text.count {
      let rest = UnsafeBufferPointer(rebasing: text[position...])
      if let (length, replacement) = charsmap.longestMatch(in: rest) {
        charsmap.withReplacement(replacement) { writer.append(chunk: $0) }
        position += length
      } else {
        let length = PackedScalar(at: position, in: text).length
        writer.append(
          chunk: UnsafeBufferPointer(rebasing: text[position..<position + length]))
        position += length
      }
    }
  }

  // MARK: User-defined symbols

  private enum Match {
    case symbol(Range<Int>)
    case text(Range<Int>)
  }

  /// Cuts the text at user-defined symbols.
  private func matches(in text: UnsafeBufferPointer<UInt8>) -> [Match] {
    if symbols.isEmpty { return [.text(0..<text.count)] }
    var matches: [Match] = []
    var end = 0
    for segment in symbols.segments(of: text) {
      switch segment {
      case .text(let range):
        matches.append(.text(range))
        end = range.upperBound
      case .token(let id):
        let length = texts.range(of: Int(id)).count
        matches.append(.symbol(end..<end + length))
        end += length
      }
    }
    return matches
  }

  // MARK: Spaces

  /// Writes normalized characters, chunk by chunk, and takes care of the spaces.
  private struct Writer {
    let normalizer: SentencePieceNormalizer
    private var output: [UInt8] = []
    /// Whether spaces at the beginning of a chunk are left out.
    private var dropsSpaces: Bool
    private var hasBegun = false

    init(normalizer: SentencePieceNormalizer, capacity: Int) {
      self.normalizer = normalizer
      output.reserveCapacity(capacity)
      dropsSpaces = normalizer.removesExtraSpaces
    }

    /// The first chunk that is not a space alone brings the space in front with it.
    private mutating func begin() {
      hasBegun = true
      if normalizer.addsDummyPrefix && !normalizer.putsSpaceLast {
        output += normalizer.outputSpace
      }
    }

    /// Appends single characters that stand for themselves.
    mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
      let space = UInt8(ascii: " ")
      var position = 0
      while position < text.count {
        if text[position] == space {
          if !dropsSpaces {
            if !hasBegun { begin() }
            output += normalizer.outputSpace
            dropsSpaces = normalizer.removesExtraSpaces
          }
          position += 1
          continue
        }
        if !hasBegun { begin() }
        var end = position + 1
        while end < text.count && text[end] != space { end += 1 }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: text[position..<end]))
        dropsSpaces = false
        position = end
      }
    }

    /// Appends what one symbol or one rule of the map gives.
    mutating func append(chunk: UnsafeBufferPointer<UInt8>) {
      let space = UInt8(ascii: " ")
      if !hasBegun {
        if normalizer.removesExtraSpaces && chunk.count == 1 && chunk[0] == space { return }
        begin()
      }
      var start = 0
      if dropsSpaces { while start < chunk.count && chunk[start] == space { start += 1 } }
      if start == chunk.count { return }
      for byte in chunk[start...] {
        if byte == space { output += normalizer.outputSpace } else { output.append(byte) }
      }
      dropsSpaces = normalizer.removesExtraSpaces && chunk[chunk.count - 1] == space
    }

    mutating func finish() -> [UInt8] {
      if !hasBegun { return [] }
      let space = normalizer.outputSpace
      if normalizer.removesExtraSpaces {
        while output.count >= space.count && output.suffix(space.count).elementsEqual(space) {
          output.removeLast(space.count)
        }
      }
      if normalizer.addsDummyPrefix && normalizer.putsSpaceLast { output += space }
      return output
    }
  }
}
