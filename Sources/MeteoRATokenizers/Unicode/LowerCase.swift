import MeteoRASafetensors

/// Small letters, scalar by scalar, as `char::to_lowercase` of Rust has them: a final sigma is no
/// special case, and U+0130 becomes two scalars.
struct LowerCase: Sendable {
  static let shared = LowerCase()

  /// The small letter of each scalar that has one.
  private var map = ScalarMap()

  private init() {
    var reader = UnicodeTableReader(UnicodeMappingTables.lowerCase)
    var scalar = 0
    while let gap = reader.next(), let difference = reader.nextSigned() {
      scalar += gap
      map[UInt32(scalar)] = UInt32(scalar + difference)
    }
  }

  /// Rewrites a text, which is valid UTF-8.
  func lowercased(_ text: [UInt8]) -> [UInt8] {
    var lowered: [UInt8] = []
    lowered.reserveCapacity(text.count)
    text.withUnsafeBufferPointer { text in
      var position = 0
      while position < text.count {
        let byte = text[position]
        if byte < 0x80 {
          lowered.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
          position += 1
          continue
        }
        let (scalar, length) = UTF8Text.scalar(at: position, in: text)
        position += length
        if scalar == 0x130 {
          lowered += [0x69, 0xCC, 0x87]
        } else {
          let small = map[scalar]
          UTF8Text.append(small == 0 ? scalar : small, to: &lowered)
        }
      }
    }
    return lowered
  }
}
