import MeteoRASafetensors

/// Reads lines of JSON from a source.
struct LineReader {
  private let source: any ByteSource
  private let shouldStop: () -> Bool
  private var cutter: JSONLineCutter

  /// - Parameters:
  ///   - name: The name that errors give the source.
  ///   - shouldStop: Asked while nothing comes.
  init(_ source: any ByteSource, name: String, shouldStop: @escaping () -> Bool) {
    self.source = source
    self.shouldStop = shouldStop
    cutter = JSONLineCutter(source: name)
  }

  /// Whether the next line is already here, so that nobody has to wait for it.
  var hasBufferedLine: Bool { cutter.hasBufferedLine }

  /// The next line; `nil` at the end.
  ///
  /// - Throws: `Interrupted`, an ``InputFailure``, or a `JSONLineError` for a line that is too long.
  mutating func next() throws -> JSONLine? {
    while true {
      if let line = cutter.next() { return line }
      if cutter.isAtEnd { return nil }
      guard let part = try source.read(upTo: 1 << 18, shouldStop: shouldStop) else {
        throw Interrupted()
      }
      try cutter.append(part)
    }
  }
}
