/// A line of a file of JSON lines, each of which holds an object.
package struct JSONLine: Sendable {
  /// Without what ends the line.
  package let bytes: [UInt8]
  /// The name of the file in errors.
  package let source: String
  /// From 1.
  package let number: Int
  /// Where the line begins in the file.
  package let offset: Int

  /// The object that the line holds.
  ///
  /// - Parameter example: A line as it should be, for messages.
  package func object(like example: String) throws(JSONLineError) -> JSONValue {
    guard let start = bytes.firstIndex(where: { !" \t".utf8.contains($0) }) else {
      throw .empty(source: source, line: number, example: example)
    }
    do throws(JSONError) {
      // Of a byte order mark the parser says what it is.
      guard bytes[start] == UInt8(ascii: "{") || bytes[start] == 0xEF else {
        throw JSONError(
          .unexpectedByte(bytes[start], expected: "a line of JSON such as \(example)"),
          at: start, in: bytes, source: source)
      }
      return try JSONDocument(bytes: bytes, source: source).root
    } catch {
      throw placed(error, example: example)
    }
  }

  /// An error of the line's document, with its place in the file.
  package func placed(_ error: JSONError, example: String) -> JSONLineError {
    .json(JSONError(error, inLine: number, startingAt: offset), example: example)
  }
}

/// A reason why a line of a file of JSON lines is not what it should be.
public enum JSONLineError: Error, Equatable, Sendable {
  /// Nothing but white space stands in the line.
  case empty(source: String, line: Int, example: String)
  /// The line has more bytes than a document may have.
  case tooLong(source: String, line: Int, limit: Int)
  /// The line breaks the grammar of JSON, or a field is missing or not what it must be.
  case json(JSONError, example: String)
}

extension JSONLineError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty(let source, let line, let example):
      return "\(printable(source, limit: 1024)):\(line): the line is empty, expected a line of "
        + "JSON such as \(example)"
    case .tooLong(let source, let line, let limit):
      return "\(printable(source, limit: 1024)):\(line): the line has more than "
        + "\(limit >> 20) MiB, expected at most as many"
    case .json(let error, let example):
      guard case .missingField = error.problem else { return error.description }
      return "\(error), expected a line of JSON such as \(example)"
    }
  }
}
