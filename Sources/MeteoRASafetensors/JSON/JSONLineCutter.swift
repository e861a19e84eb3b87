/// Cuts bytes that come in parts into lines of JSON, without ever holding more than one line and a
/// part.
///
/// A line ends with LF, CR LF or CR, none of which can stand inside a line of JSON; the last may
/// end without.
///
/// ```swift
/// while true {
///   if let line = cutter.next() { return line }
///   if cutter.isAtEnd { return nil }
///   try cutter.append(nextPart())
/// }
/// ```
package struct JSONLineCutter {
  private let source: String
  private var buffer: [UInt8] = []
  /// The first byte of `buffer` that belongs to no line yet.
  private var start = 0
  /// Up to here no line ends.
  private var searched = 0
  private var offset = 0
  private var number = 0
  private var skipsLineFeed = false
  /// Whether the last part has come, so that there is no line but those that ``next()`` still has.
  package private(set) var isAtEnd = false

  /// - Parameter source: The name that errors give the file.
  package init(source: String) {
    self.source = source
  }

  /// Whether the next line is already here, so that nobody has to wait for it.
  package var hasBufferedLine: Bool {
    var rest = buffer[start...]
    if skipsLineFeed && rest.first == 0x0A { rest = rest.dropFirst() }
    return rest.contains { $0 == 0x0A || $0 == 0x0D }
  }

  /// Takes the part that follows; an empty one is the end.
  ///
  /// - Throws: ``JSONLineError/tooLong(source:line:limit:)`` where a line is longer than a document
  ///   can be.
  package mutating func append(_ part: [UInt8]) throws(JSONLineError) {
    if buffer.count - start > JSONDocument.largestByteCount {
      throw .tooLong(source: source, line: number + 1, limit: JSONDocument.largestByteCount)
    }
    buffer.removeFirst(start)
    searched -= start
    start = 0
    isAtEnd = part.isEmpty
    buffer += part
  }

  /// The next line; `nil` if it needs another part, or at the end.
  package mutating func next() -> JSONLine? {
    if skipsLineFeed && start < buffer.count {
      if buffer[start] == 0x0A { advance(to: start + 1) }
      skipsLineFeed = false
    }
    searched = max(searched, start)
    while searched < buffer.count && buffer[searched] != 0x0A && buffer[searched] != 0x0D {
      searched += 1
    }
    if searched < buffer.count {
      skipsLineFeed = buffer[searched] == 0x0D
      return takeLine(endingAt: searched, next: searched + 1)
    }
    return isAtEnd && start < buffer.count ? takeLine(endingAt: searched, next: searched) : nil
  }

  private mutating func takeLine(endingAt end: Int, next: Int) -> JSONLine {
    number += 1
    let line = JSONLine(
      bytes: Array(buffer[start..<end]), source: source, number: number, offset: offset)
    advance(to: next)
    return line
  }

  private mutating func advance(to position: Int) {
    offset += position - start
    start = position
  }
}
