// UTF-8 by hand: where bytes break it, and how broken bytes are repaired.
//
// A broken sequence is cut as the Unicode Standard recommends (chapter 3.9, "maximal subparts"):
// the longest beginning of a well-formed sequence, or one byte, becomes one U+FFFD.

package enum UTF8Text {
  /// What stands at the beginning of some bytes.
  package enum Sequence: Equatable {
    /// A character of `length` bytes.
    case character(length: Int)
    /// `length` bytes that begin no character.
    case broken(length: Int)
    /// The last `length` bytes, which more bytes could complete to a character.
    case unfinished(length: Int)
  }

  /// Reads the sequence that begins at `start`, which is less than `bytes.count`.
  package static func sequence(at start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Sequence {
    let lead = bytes[start]
    if lead < 0x80 { return .character(length: 1) }
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return .broken(length: 1)
    }
    for offset in 1..<length {
      if start + offset == bytes.count { return .unfinished(length: offset) }
      let allowed = offset == 1 ? second : 0x80...0xBF
      if !allowed.contains(bytes[start + offset]) { return .broken(length: offset) }
    }
    return .character(length: length)
  }

  /// The offset of the first byte that belongs to no character; `nil` if all is UTF-8.
  package static func firstBreak(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    var position = 0
    while position < bytes.count {
      if bytes[position] < 0x80 {
        position += 1
        continue
      }
      guard case .character(let length) = sequence(at: position, in: bytes) else { return position }
      position += length
    }
    return nil
  }

  /// Appends the characters of `bytes` to `output`, with U+FFFD for what is broken.
  ///
  /// - Returns: The number of bytes at the end that are unfinished, and not appended.
  package static func appendRepaired(
    _ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
  ) -> Int {
    var position = 0
    while position < bytes.count {
      switch sequence(at: position, in: bytes) {
      case .character(let length):
        output.append(
          contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<position + length]))
        position += length
      case .broken(let length):
        output.append(contentsOf: replacement)
        position += length
      case .unfinished(let length):
        return length
      }
    }
    return 0
  }

  /// U+FFFD.
  package static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
}
