/// The alphabet of byte-level BPE: one visible character for each of the 256 bytes.
///
/// Bytes 21–7E, A1–AC and AE–FF stand for themselves as scalars; the other 68, in ascending order,
/// for U+0100, U+0101 and so on: a space is `Ġ` (U+0120), a line feed `Ċ` (U+010A).
///
/// - SeeAlso: `bytes_to_unicode` of GPT-2's published encoder.
package enum ByteLevelAlphabet {
  /// One more than the alphabet's largest scalar.
  static let scalarBound: UInt32 = 0x144

  /// The scalar of each byte.
  package static let scalars: [UInt16] = {
    var next: UInt16 = 0x100
    return (0...255 as ClosedRange<UInt16>).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The byte of each scalar below ``scalarBound``; `nil` for scalars outside the alphabet.
  static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: Int(scalarBound))
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = UInt8(byte) }
    return bytes
  }()

  /// Appends the alphabet's characters for `bytes`, as UTF-8.
  static func append(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
    scalars.withUnsafeBufferPointer { scalars in
      for byte in bytes {
        let scalar = scalars[Int(byte)]
        if scalar < 0x80 {
          output.append(UInt8(truncatingIfNeeded: scalar))
        } else {
          output.append(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
          output.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        }
      }
    }
  }

  /// Appends the bytes that a token's characters stand for.
  ///
  /// - Returns: Whether all characters are of the alphabet; if not, nothing is appended.
  static func appendBytes(of token: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) -> Bool {
    let start = output.count
    var position = 0
    while position < token.count {
      var scalar = UInt32(token[position])
      position += 1
      if scalar >= 0xC0 && scalar < 0xE0 && position < token.count {
        scalar = (scalar & 0x1F) << 6 | UInt32(token[position] & 0x3F)
        position += 1
      } else if scalar >= 0x80 {
        scalar = scalarBound
      }
      guard scalar < scalarBound, let byte = bytes[Int(scalar)] else {
        output.removeSubrange(start...)
        return false
      }
      output.append(byte)
    }
    return true
  }
}
