import Foundation

/// A reason why bytes are not the JSON document that was wanted, and where.
///
/// The description is one sentence that begins with the place, as compilers write it:
/// `config.json:4:17 (byte 61): field 'rope_theta' is a string, expected a number`.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong at ``offset``.
  public enum Problem: Equatable, Sendable {
    /// The document's file cannot be read; offset, line and column mean nothing then.
    case unreadable(FileAccessError)
    /// The document has more bytes than this reader takes.
    case tooLarge(byteCount: Int, limit: Int)
    /// The document begins with a byte order mark, which RFC 8259 forbids.
    case byteOrderMark
    /// The document ends where `expected` should stand.
    case unexpectedEnd(expected: String)
    /// A byte that cannot stand here; `expected` says what could.
    case unexpectedByte(UInt8, expected: String)
    /// Something other than white space follows the document's value.
    case trailingByte(UInt8)
    /// A control character (below U+0020) stands unescaped in a string.
    case controlCharacter(UInt8)
    /// A `\` is followed by a byte that names no escape.
    case invalidEscape(UInt8)
    /// A `\uD800`…`\uDFFF` escape without its other half.
    case loneSurrogate(UInt16)
    /// Bytes that are not UTF-8 (stray or missing continuation, overlong, surrogate, too large).
    case invalidUTF8
    /// More arrays and objects are open at once than `limit`.
    case nestedTooDeeply(limit: Int)
    /// The object has this key (unescaped) already.
    case duplicateKey(String)
    /// The object at this place lacks the field `path`.
    case missingField(path: String)
    /// The field `path` holds `found` where `expected` is wanted.
    case mismatch(path: String, found: String, expected: String)
  }

  /// The document's name as the caller gave it, usually a file name.
  public let source: String
  /// What is wrong.
  public let problem: Problem
  /// The byte offset at which it is wrong, from 0.
  public let offset: Int
  /// The line of `offset`, from 1; a line ends with a line feed.
  public let line: Int
  /// The byte of `offset` in its line, from 1.
  public let column: Int

  /// Locates a problem in the bytes of a document.
  init(
    _ problem: Problem, at offset: Int, in bytes: UnsafeBufferPointer<UInt8>, source: String
  ) {
    var line = 1
    var lineStart = 0
    for position in 0..<min(offset, bytes.count) where bytes[position] == UInt8(ascii: "\n") {
      line += 1
      lineStart = position + 1
    }
    self.source = source
    self.problem = problem
    self.offset = offset
    self.line = line
    self.column = offset - lineStart + 1
  }

  /// Locates a problem in the bytes of a document.
  package init(_ problem: Problem, at offset: Int, in bytes: [UInt8], source: String) {
    self = bytes.withUnsafeBufferPointer {
      JSONError(problem, at: offset, in: $0, source: source)
    }
  }

  /// Passes on that the document's file cannot be read.
  init(unreadable error: FileAccessError, source: String) {
    self.source = source
    problem = .unreadable(error)
    (offset, line, column) = (0, 1, 1)
  }

  /// The same problem, where the document is one line of a file.
  ///
  /// - Parameters:
  ///   - line: The number of the line, from 1.
  ///   - start: The byte offset of the line in the file.
  package init(_ error: JSONError, inLine line: Int, startingAt start: Int) {
    source = error.source
    problem = error.problem
    offset = start + error.offset
    self.line = line
    column = error.offset + 1
  }

  public var description: String {
    if case .unreadable(let error) = problem { return error.description }
    return "\(printable(source, limit: 1024)):\(line):\(column) (byte \(offset)): \(sentence)"
  }

  private var sentence: String {
    switch problem {
    case .unreadable(let error):
      return error.description
    case .tooLarge(let byteCount, let limit):
      return "the document has \(byteCount) bytes, expected at most \(limit)"
    case .byteOrderMark:
      return "the document begins with a byte order mark, expected JSON in UTF-8 without one"
    case .unexpectedEnd(let expected):
      return "the document ends here, expected \(expected)"
    case .unexpectedByte(let byte, let expected):
      return "found \(Self.name(of: byte)), expected \(expected)"
    case .trailingByte(let byte):
      return "found \(Self.name(of: byte)) after the document, expected its end"
    case .controlCharacter(let byte):
      return "found \(Self.name(of: byte)) unescaped in a string, expected an escape such as \\n"
    case .invalidEscape(let byte):
      return "found \\ and \(Self.name(of: byte)), expected one of \" \\ / b f n r t u after \\"
    case .loneSurrogate(let unit):
      let escape = "\\u" + String(unit, radix: 16, uppercase: true)
      return "found \(escape) alone, expected a high and a low surrogate as a pair"
    case .invalidUTF8:
      return "found bytes that are not UTF-8 in a string, expected UTF-8"
    case .nestedTooDeeply(let limit):
      return "arrays and objects are nested deeper than \(limit), expected at most \(limit)"
    case .duplicateKey(let key):
      return "the key '\(printable(key))' stands here again, expected each key once in an object"
    case .missingField(let path):
      return "field '\(path)' is missing"
    case .mismatch(let path, let found, let expected):
      let subject = path.isEmpty ? "the document" : "field '\(path)'"
      return "\(subject) is \(found), expected \(expected)"
    }
  }

  private static func name(of byte: UInt8) -> String {
    if byte > 0x20 && byte < 0x7F { return "'\(Unicode.Scalar(byte))'" }
    return "byte 0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }
}

extension JSONError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
