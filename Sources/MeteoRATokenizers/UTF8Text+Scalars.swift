import MeteoRASafetensors

/// Scalars of text that is known to be UTF-8, and cut between characters.
extension UTF8Text {
  /// The scalar that begins at `position`, and its length in bytes.
  @inline(__always)
  static func scalar(
    at position: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (scalar: UInt32, length: Int) {
    let lead = UInt32(text[position])
    if lead < 0x80 { return (lead, 1) }
    let second = UInt32(text[position + 1] & 0x3F)
    if lead < 0xE0 { return ((lead & 0x1F) << 6 | second, 2) }
    let third = UInt32(text[position + 2] & 0x3F)
    if lead < 0xF0 { return ((lead & 0x0F) << 12 | second << 6 | third, 3) }
    let fourth = UInt32(text[position + 3] & 0x3F)
    return ((lead & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
  }

  /// The begin of the character before `position`, which is not 0.
  @inline(__always)
  static func start(before position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var start = position - 1
    while start > 0 && text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// Appends the UTF-8 of a scalar.
  @inline(__always)
  static func append(_ scalar: UInt32, to output: inout [UInt8]) {
    if scalar < 0x80 {
      output.append(UInt8(truncatingIfNeeded: scalar))
      return
    }
    if scalar < 0x800 {
      output.append(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
    } else {
      if scalar < 0x10000 {
        output.append(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
      } else {
        output.append(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18))
        output.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 12 & 0x3F))
      }
      output.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 6 & 0x3F))
    }
    output.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
  }
}
