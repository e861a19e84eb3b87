extension String {
  /// The text without the ASCII white space (U+0009…U+000D and U+0020) at both ends.
  var withoutOuterSpace: Substring {
    var bytes = self[...].utf8
    while let byte = bytes.first, Self.isSpace(byte) { bytes.removeFirst() }
    while let byte = bytes.last, Self.isSpace(byte) { bytes.removeLast() }
    return Substring(bytes)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }
}
