// JSONScanner: the words, numbers and strings of a document, RFC 8259 to the letter.
//
// `byte` answers 0 past the end, which no rule of the grammar takes, so that every rule needs one
// comparison instead of two.

struct JSONScanner {
  let input: UnsafeBufferPointer<UInt8>
  /// The document's name in errors.
  private let source: String
  private(set) var position = 0

  init(_ input: UnsafeBufferPointer<UInt8>, source: String) {
    self.input = input
    self.source = source
  }

  /// The byte at `position`; 0 at the end.
  var byte: UInt8 { position < input.count ? input[position] : 0 }

  var isAtEnd: Bool { position >= input.count }

  mutating func skipWhiteSpace() {
    while true {
      switch byte {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  /// Steps over a byte that the caller has looked at.
  mutating func skipByte() { position += 1 }

  // MARK: Words and numbers

  /// Reads `true`, `false` or `null`.
  mutating func readWord(_ word: StaticString) throws(JSONError) {
    for offset in 0..<word.utf8CodeUnitCount {
      if byte != word.utf8Start[offset] { throw unexpected("'\(word)'") }
      position += 1
    }
  }

  /// Reads a number.
  ///
  /// - Returns: Whether it has neither fraction nor exponent.
  mutating func readNumber() throws(JSONError) -> Bool {
    var isInteger = true
    if byte == UInt8(ascii: "-") { position += 1 }
    if byte == UInt8(ascii: "0") {
      position += 1
      if isDigit(byte) { throw unexpected("no digit after a leading zero") }
    } else {
      try readDigits()
    }
    if byte == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try readDigits()
    }
    if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
      try readDigits()
    }
    return isInteger
  }

  private mutating func readDigits() throws(JSONError) {
    if !isDigit(byte) { throw unexpected("a digit") }
    while isDigit(byte) { position += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  // MARK: Strings

  /// Reads a string from its opening quote on.
  ///
  /// - Returns: What stands between the quotes, and whether an escape is in it.
  mutating func readString() throws(JSONError) -> (text: Range<Int>, hasEscapes: Bool) {
    position += 1
    let start = position
    var hasEscapes = false
    while true {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return (start..<position - 1, hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try readEscape()
      case 0x20...0x7F:
        position += 1
      case 0..<0x20:
        if isAtEnd { throw unexpected("'\"' at the end of a string") }
        throw error(.controlCharacter(byte), at: position)
      default:
        guard case .character(let length) = UTF8Text.sequence(at: position, in: input) else {
          throw error(.invalidUTF8, at: position)
        }
        position += length
      }
    }
  }

  private mutating func readEscape() throws(JSONError) {
    let start = position
    position += 1
    if byte != UInt8(ascii: "u") {
      if isAtEnd { throw unexpected("an escape after \\") }
      if JSONText.byteEscaped(by: byte) == 0 { throw error(.invalidEscape(byte), at: start) }
      position += 1
      return
    }
    let unit = try readFourDigits()
    if unit < 0xD800 || unit > 0xDFFF { return }
    guard unit < 0xDC00, byte == UInt8(ascii: "\\") else {
      throw error(.loneSurrogate(unit), at: start)
    }
    position += 1
    guard byte == UInt8(ascii: "u") else { throw error(.loneSurrogate(unit), at: start) }
    let low = try readFourDigits()
    if low < 0xDC00 || low > 0xDFFF { throw error(.loneSurrogate(unit), at: start) }
  }

  /// Reads the digits after the `u` at `position`.
  private mutating func readFourDigits() throws(JSONError) -> UInt16 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      guard let digit = JSONText.hexDigit(byte) else {
        throw unexpected("four hexadecimal digits after \\u")
      }
      unit = unit << 4 | digit
    }
    position += 1
    return UInt16(unit)
  }

  // MARK: Errors

  /// The error that something else than `expected` stands at `position`.
  func unexpected(_ expected: String) -> JSONError {
    if isAtEnd { return error(.unexpectedEnd(expected: expected), at: position) }
    return error(.unexpectedByte(byte, expected: expected), at: position)
  }

  func error(_ problem: JSONError.Problem, at offset: Int) -> JSONError {
    JSONError(problem, at: offset, in: input, source: source)
  }
}
