// DecoderStep: what the library's decoders make of a list of tokens.
//
//   Replace        each token by itself
//   Metaspace      each token by itself, the first one differently
//   Strip          each token by itself
//   ByteFallback   a run of tokens <0xHH> becomes one token, or one U+FFFD for each
//   Fuse           all tokens become one
//   ByteLevel      all tokens become one

import MeteoRASafetensors

/// A step of a decoder.
enum DecoderStep: Sendable {
  case replace(TextReplacement)
  /// What becomes of the character in most tokens, and in the first one.
  case metaspace(TextReplacement, first: TextReplacement)
  /// Removes up to `start` scalars `content` at the begin of each token and up to `stop` at its
  /// end.
  case strip(content: [UInt8], start: Int, stop: Int)
  case byteFallback
  case fuse
  case byteLevel

  /// - Parameter dropsFirst: Whether the characters of the first token become nothing, not spaces.
  static func metaspace(replacement: [UInt8], dropsFirst: Bool) -> DecoderStep {
    let pattern = TextPattern.literal(replacement)
    let spaces = TextReplacement(pattern: pattern, content: [UInt8(ascii: " ")])
    let nothing = TextReplacement(pattern: pattern, content: [])
    return .metaspace(spaces, first: dropsFirst ? nothing : spaces)
  }

  /// Takes into account what the step can make of a token, given what the steps after it can.
  func precede(_ growth: inout TextGrowth) {
    switch self {
    case .replace(let replacement):
      growth.replace(replacement.pattern, with: replacement.content)
    case .metaspace(let spaces, _):
      growth.replace(spaces.pattern, with: spaces.content)
    case .strip, .fuse:
      break
    // A token <0xHH> becomes half as many bytes at most, U+FFFD.
    case .byteFallback:
      growth.multiply(by: 1)
    // Two bytes can become U+FFFD.
    case .byteLevel:
      growth.multiply(by: 1.5)
    }
  }

  /// Whether all tokens become one.
  var joins: Bool {
    switch self {
    case .fuse, .byteLevel: true
    case .replace, .metaspace, .strip, .byteFallback: false
    }
  }
}

/// A step at work. For every token in order: ``holds(_:)``; if not, ``takeHeld(isEnd:)`` and then
/// ``mapped(_:)`` give what it becomes. At the end comes what is held.
struct DecoderStepState: Sendable {
  private let step: DecoderStep
  private var isFirst = true
  /// The bytes of a run of tokens `<0xHH>`, or all tokens so far of a step that joins them.
  private var held: [UInt8] = []
  private var heldByteLevel = ByteLevelDecoder().makeState()

  init(_ step: DecoderStep) { self.step = step }

  /// Whether the step keeps a token until later.
  mutating func holds(_ token: [UInt8]) -> Bool {
    switch step {
    case .replace, .metaspace, .strip:
      return false
    case .byteFallback:
      guard let byte = Self.byte(of: token) else { return false }
      held.append(byte)
    case .fuse:
      held += token
    case .byteLevel:
      heldByteLevel.append(token[...], to: &held)
    }
    return true
  }

  /// The tokens that are kept no longer, because another one comes or none.
  mutating func takeHeld(isEnd: Bool) -> [[UInt8]] {
    switch step {
    case .replace, .metaspace, .strip:
      return []
    case .byteFallback:
      return takeBytes()
    case .fuse, .byteLevel:
      if !isEnd { return [] }
      if case .byteLevel = step { heldByteLevel.finish(to: &held) }
      defer { held = [] }
      return [held]
    }
  }

  /// What a token becomes by itself.
  mutating func mapped(_ token: [UInt8]) -> [UInt8] {
    defer { isFirst = false }
    switch step {
    case .replace(let replacement):
      return replacement.apply(to: token)
    case .metaspace(let spaces, let first):
      return (isFirst ? first : spaces).apply(to: token)
    case .strip(let content, let start, let stop):
      return Self.stripped(token, of: content, start: start, stop: stop)
    case .byteFallback, .fuse, .byteLevel:
      return token
    }
  }

  // MARK: Bytes

  private mutating func takeBytes() -> [[UInt8]] {
    if held.isEmpty { return [] }
    defer { held.removeAll(keepingCapacity: true) }
    return held.withUnsafeBufferPointer({ UTF8Text.firstBreak(in: $0) }) == nil
      ? [held] : [[UInt8]](repeating: UTF8Text.replacement, count: held.count)
  }

  /// The byte of a token `<0xHH>`. The library reads the digits as Rust does, small ones too and
  /// one digit after a plus sign.
  private static func byte(of token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
      return nil
    }
    let high = token[3] == UInt8(ascii: "+") ? 0 : hexadecimal(token[3])
    guard let high, let low = hexadecimal(token[4]) else { return nil }
    return high << 4 | low
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }

  // MARK: Strip

  /// The library looks at both ends of the token as it was, so that one scalar can count for both;
  /// it fails where `stop` is more than the token has, which here stops at the begin.
  private static func stripped(
    _ token: [UInt8], of content: [UInt8], start: Int, stop: Int
  ) -> [UInt8] {
    var first = 0
    for _ in 0..<start {
      guard token[first...].starts(with: content) else { break }
      first += content.count
    }
    var end = token.count
    for _ in 0..<stop {
      let begin = end - content.count
      guard begin >= 0, token[begin..<end].elementsEqual(content) else { break }
      end = begin
    }
    return first < end ? Array(token[first..<end]) : []
  }
}
