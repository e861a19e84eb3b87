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
  /// - Parameter dropsFirst: Whether the characters of the first token become nothing, not spaces.
  case metaspace(replacement: [UInt8], dropsFirst: Bool)
  /// Removes up to `start` scalars `content` at the begin of each token and up to `stop` at its end.
  case strip(content: [UInt8], start: Int, stop: Int)
  case byteFallback
  case fuse
  case byteLevel

  /// Whether all tokens become one.
  var joins: Bool {
    switch self {
    case .fuse, .byteLevel: true
    case .replace, .metaspace, .strip, .byteFallback: false
    }
  }
}

/// A step at work: takes tokens one by one.
struct DecoderStepState: Sendable {
  private let step: DecoderStep
  private var isFirst = true
  /// The bytes of a run of tokens `<0xHH>`, or all tokens so far of a step that joins them.
  private var held: [UInt8] = []
  private var heldByteLevel = ByteLevelDecoder().makeState()

  init(_ step: DecoderStep) { self.step = step }

  /// Takes the next token and appends those that it completes.
  mutating func append(_ token: [UInt8], to output: inout [[UInt8]]) {
    defer { isFirst = false }
    switch step {
    case .replace(let replacement):
      output.append(replacement.apply(to: token))
    case .metaspace(let replacement, let dropsFirst):
      let content = isFirst && dropsFirst ? [] : [UInt8(ascii: " ")]
      let spaced = TextReplacement(pattern: .literal(replacement), content: content)
      output.append(spaced.apply(to: token))
    case .strip(let content, let start, let stop):
      output.append(Self.stripped(token, of: content, start: start, stop: stop))
    case .byteFallback:
      if let byte = Self.byte(of: token) {
        held.append(byte)
      } else {
        flushBytes(to: &output)
        output.append(token)
      }
    case .fuse:
      held += token
    case .byteLevel:
      heldByteLevel.append(token[...], to: &held)
    }
  }

  /// Appends the tokens that were held back.
  mutating func finish(to output: inout [[UInt8]]) {
    switch step {
    case .replace, .metaspace, .strip: break
    case .byteFallback:
      flushBytes(to: &output)
    case .fuse:
      output.append(held)
      held = []
    case .byteLevel:
      heldByteLevel.finish(to: &held)
      output.append(held)
      held = []
    }
  }

  // MARK: Bytes

  private mutating func flushBytes(to output: inout [[UInt8]]) {
    if held.isEmpty { return }
    if held.withUnsafeBufferPointer({ UTF8Text.firstBreak(in: $0) }) == nil {
      output.append(held)
    } else {
      output += [[UInt8]](repeating: UTF8Text.replacement, count: held.count)
    }
    held.removeAll(keepingCapacity: true)
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
