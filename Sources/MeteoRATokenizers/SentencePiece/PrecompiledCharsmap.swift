// PrecompiledCharsmap: the rules by which a SentencePiece model rewrites characters.
//
//   UInt32 n │ n bytes: units of a double array (a trie), UInt32 each │ texts, each ended by 0x00
//
// A unit has the bits
//
//   31      a value: bits 0–30 are the place of a text
//   0–7     the label, the byte that leads here
//   8       whether a rule ends here; its value is in the unit at the offset
//   10–30   the offset to the children, times 256 if bit 9 is set
//
// and the child for a byte is at place ^ offset ^ byte, if the label there is the byte.
// (The layout of the library Darts-clone, little-endian.)

import MeteoRASafetensors

/// The rules of a `precompiled_charsmap`: byte strings and what they become.
struct PrecompiledCharsmap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// Checks sizes, and that whatever a rule names is UTF-8 with an end.
  init(_ bytes: UnsafeRawBufferPointer, source: String) throws(TokenizerError) {
    func malformed(_ problem: String) -> TokenizerError {
      .malformed(source: source, problem: "normalizer_spec.precompiled_charsmap \(problem)")
    }
    guard bytes.count > 4 else {
      throw malformed("has \(bytes.count) bytes, expected more than 4")
    }
    let size = Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
    if size >= bytes.count - 4 || size % 4 != 0 || size == 0 {
      throw malformed(
        "has a trie of \(size) bytes, expected a multiple of 4 below \(bytes.count - 4)")
    }
    let units = stride(from: 4, to: 4 + size, by: 4).map {
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
    }
    let texts = Array(bytes[(4 + size)...])
    if texts.last != 0 || texts.withUnsafeBufferPointer({ UTF8Text.firstBreak(in: $0) }) != nil {
      throw malformed("has texts that are not UTF-8 with a zero byte at the end")
    }
    for unit in units where unit >> 31 == 1 {
      let place = Int(unit & 0x7FFF_FFFF)
      if place >= texts.count || texts[place] & 0xC0 == 0x80 {
        throw malformed("has a rule to byte \(place), expected the beginning of a character")
      }
    }
    self.units = units
    self.texts = texts
  }

  /// The longest rule for the beginning of a text: its length and the place of what it gives.
  func longestMatch(in text: UnsafeBufferPointer<UInt8>) -> (length: Int, replacement: Int)? {
    units.withUnsafeBufferPointer { units in
      var best: (Int, Int)?
      var place = Self.offset(of: units[0])
      for (index, byte) in text.enumerated() {
        place ^= Int(byte)
        guard place < units.count, units[place] & 0x8000_00FF == UInt32(byte) else { return best }
        let unit = units[place]
        place ^= Self.offset(of: unit)
        if unit >> 8 & 1 == 1 {
          guard place < units.count, units[place] >> 31 == 1 else { return best }
          best = (index + 1, Int(units[place] & 0x7FFF_FFFF))
        }
      }
      return best
    }
  }

  /// Calls `body` with the text at a place.
  func withReplacement(_ place: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    texts.withUnsafeBufferPointer { texts in
      var end = place
      while texts[end] != 0 { end += 1 }
      body(UnsafeBufferPointer(rebasing: texts[place..<end]))
    }
  }

  private static func offset(of unit: UInt32) -> Int {
    Int((unit >> 10) << ((unit & 0x200) >> 6))
  }
}
