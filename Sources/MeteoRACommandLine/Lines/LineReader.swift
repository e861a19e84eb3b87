import MeteoRASafetensors

/// A line of a file of JSON lines.
struct InputLine {
  let bytes: [UInt8]
  /// From 1.
  let number: Int
  /// Where it begins in the file.
  let offset: Int
}

/// Cuts what comes from a source into lines, without ever holding more than one of them and a part.
///
/// A line ends with LF, CR LF or CR, none of which can stand inside a line of JSON; the last may
/// end without.
struct LineReader {
  private let source: any ByteSource
  private let shouldStop: () -> Bool
  private var buffer: [UInt8] = []
  /// The first byte of `buffer` that belongs to no line yet.
  private var start = 0
  /// Up to here no line ends.
  private var searched = 0
  private var offset = 0
  private var number = 0
  private var isAtEnd = false
  private var skipsLineFeed = false

  /// - Parameter shouldStop: Asked while nothing comes.
  init(_ source: any ByteSource, shouldStop: @escaping () -> Bool) {
    self.source = source
    self.shouldStop = shouldStop
  }

  /// Whether the next line is already here, so that nobody has to wait for it.
  var hasBufferedLine: Bool {
    var rest = buffer[start...]
    if skipsLineFeed && rest.first == 0x0A { rest = rest.dropFirst() }
    return rest.contains { $0 == 0x0A || $0 == 0x0D }
  }

  /// The next line; `nil` at the end.
  ///
  /// - Throws: `Interrupted`, an ``InputFailure``, or a ``LineTooLong``.
  mutating func next() throws -> InputLine? {
    while true {
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
      if isAtEnd {
        return start < buffer.count ? takeLine(endingAt: searched, next: searched) : nil
      }
      try readMore()
    }
  }

  private mutating func readMore() throws {
    if buffer.count - start > JSONDocument.largestByteCount {
      throw LineTooLong(number: number + 1)
    }
    buffer.removeFirst(start)
    searched -= start
    start = 0
    guard let part = try source.read(upTo: 1 << 18, shouldStop: shouldStop) else {
      throw Interrupted()
    }
    isAtEnd = part.isEmpty
    buffer += part
  }

  private mutating func takeLine(endingAt end: Int, next: Int) -> InputLine {
    number += 1
    let line = InputLine(bytes: Array(buffer[start..<end]), number: number, offset: offset)
    advance(to: next)
    return line
  }

  private mutating func advance(to position: Int) {
    offset += position - start
    start = position
  }
}

/// A line that no document can be.
struct LineTooLong: Error {
  let number: Int
}
