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

  /// The longest beginning of a rule, which bounds the time that every place of a text takes. The
  /// rules of SentencePiece have a few characters.
  private static let longestRule = 1024
  /// The longest text that a rule gives, which bounds what becomes of a text. The longest of NFKC
  /// has 33 bytes.
  private static let longestText = 64
  /// Of the rules that one text begins with, the library sees only so many, the shorter ones; the
  /// maps that it writes itself never have more.
  private static let mostMatches = 32

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
      if texts[place...].prefix(Self.longestText + 1).allSatisfy({ $0 != 0 }) {
        throw .unsupported(
          source: source,
          feature: "normalizer_spec.precompiled_charsmap with a text of more than "
            + "\(Self.longestText) bytes", alternative: "shorter ones are")
      }
    }
    if Self.hasLongPath(units) {
      throw .unsupported(
        source: source,
        feature: "normalizer_spec.precompiled_charsmap with a rule for more than "
          + "\(Self.longestRule) bytes, or a circle,", alternative: "shorter rules are")
    }
    self.units = units
    self.texts = texts
  }

  /// Whether more steps than ``longestRule`` can follow each other in the trie, as they do without
  /// end in a circle.
  private static func hasLongPath(_ units: [UInt32]) -> Bool {
    // How many steps can follow at a place that children are counted from; −1 if not known.
    var lengths = [Int16](repeating: -1, count: units.count | 0xFF + 1)
    var path = [(base: offset(of: units[0]), byte: 0, length: 0)]
    while let (base, byte, length) = path.last {
      if byte == 256 || base >= lengths.count || lengths[base] >= 0 {
        let known = base < lengths.count ? max(Int(lengths[base]), length) : 0
        if path.count + known > longestRule + 1 { return true }
        if base < lengths.count { lengths[base] = Int16(known) }
        path.removeLast()
        if let parent = path.indices.last {
          path[parent].length = max(path[parent].length, known + 1)
        }
        continue
      }
      path[path.count - 1].byte += 1
      let place = base ^ byte
      if place < units.count && units[place] & 0x8000_00FF == UInt32(byte) {
        path.append((place ^ offset(of: units[place]), 0, 0))
        if path.count > longestRule + 1 { return true }
      }
    }
    return false
  }

  /// The longest rule for the beginning of a text: its length and the place of what it gives.
  func longestMatch(in text: UnsafeBufferPointer<UInt8>) -> (length: Int, replacement: Int)? {
    units.withUnsafeBufferPointer { units in
      var best: (Int, Int)?
      var matches = 0
      var place = Self.offset(of: units[0])
      for (index, byte) in text.enumerated() {
        place ^= Int(byte)
        guard place < units.count, units[place] & 0x8000_00FF == UInt32(byte) else { return best }
        let unit = units[place]
        place ^= Self.offset(of: unit)
        if unit >> 8 & 1 == 1 {
          guard place < units.count, units[place] >> 31 == 1 else { return best }
          best = (index + 1, Int(units[place] & 0x7FFF_FFFF))
          matches += 1
          if matches == Self.mostMatches { return best }
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
