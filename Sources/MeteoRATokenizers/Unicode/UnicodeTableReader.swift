/// Reads the numbers of a table of ``UnicodeMappingTables``.
///
/// A character stands for six bits: the lowest five belong to the number, low ones first, and the
/// sixth says that more follow. White space is passed over.
struct UnicodeTableReader {
  private let table: StaticString
  private var position = 0

  init(_ table: StaticString) { self.table = table }

  /// The next number; `nil` at the end of the table.
  mutating func next() -> Int? {
    table.withUTF8Buffer { bytes in
      var value = 0
      var shift = 0
      while position < bytes.count {
        let digit = Self.digits[Int(bytes[position] & 0x7F)]
        position += 1
        if digit == Self.none { continue }
        value |= Int(digit & 31) << shift
        if digit & 32 == 0 { return value }
        shift += 5
      }
      return nil
    }
  }

  /// The next number, which was written as `2n` or, if negative, `−2n − 1`.
  mutating func nextSigned() -> Int? {
    next().map { $0 & 1 == 0 ? $0 >> 1 : -($0 >> 1) - 1 }
  }

  private static let none: UInt8 = 255

  /// The value of each ASCII character.
  private static let digits: [UInt8] = {
    var digits = [UInt8](repeating: none, count: 128)
    let characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
    for (value, character) in characters.utf8.enumerated() {
      digits[Int(character)] = UInt8(value)
    }
    return digits
  }()
}
