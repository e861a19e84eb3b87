import MeteoRASafetensors

/// Where bytes go: standard output or error, or a test's memory.
package protocol ByteSink: AnyObject {
  /// Whether a person is likely to look at it.
  var isTerminal: Bool { get }
  /// Writes all of the bytes at once; nothing is held back.
  func write(_ bytes: [UInt8]) throws(OutputFailure)
}

/// Where bytes come from.
package protocol ByteSource {
  /// The file that the bytes come from, if it is a regular one.
  var file: FileIdentity? { get }
  /// Waits for bytes and reads some of them.
  ///
  /// - Parameters:
  ///   - count: At most this many.
  ///   - shouldStop: Asked several times a second while nothing comes.
  /// - Returns: The bytes, none at the end; `nil` if the caller wants to stop.
  func read(upTo count: Int, shouldStop: () -> Bool) throws(InputFailure) -> [UInt8]?
}

extension ByteSource {
  /// Reads to the end.
  ///
  /// - Returns: The bytes, or `nil` if there are more than `limit`.
  func readAll(limit: Int) throws(InputFailure) -> [UInt8]? {
    var bytes: [UInt8] = []
    while let part = try read(upTo: 1 << 16, shouldStop: { false }), !part.isEmpty {
      bytes += part
      if bytes.count > limit { return nil }
    }
    return bytes
  }
}

/// A reason why output cannot be written.
package enum OutputFailure: Error, Equatable, CustomStringConvertible {
  /// Nobody reads any more, as in `meteora … | head`.
  case brokenPipe
  case system(stream: String, reason: String)

  package var description: String {
    switch self {
    case .brokenPipe: "nobody reads the output any more"
    case .system(let stream, let reason): "\(stream): cannot write: \(reason)"
    }
  }
}

/// A reason why standard input cannot be read.
package struct InputFailure: Error, CustomStringConvertible {
  package var description: String

  package init(_ description: String) {
    self.description = description
  }
}

/// What a command has to do with the world outside of files.
struct Console {
  let input: any ByteSource
  let output: any ByteSink
  let error: any ByteSink
  let environment: [String: String]
  let interruption: Interruption

  /// Writes text to the output.
  func print(_ text: String) throws(OutputFailure) {
    try output.write(Array(text.utf8))
  }

  /// Writes bytes and a line feed to the output.
  func printLine(_ bytes: [UInt8]) throws(OutputFailure) {
    try output.write(bytes + [UInt8(ascii: "\n")])
  }

  /// Writes a sentence to standard error. Where that is closed there is nobody to tell.
  ///
  /// Names in it are escaped where the sentence is made; that paths and the system's own texts
  /// cannot move the cursor either is seen to here.
  func report(_ sentence: String) {
    try? error.write(Array("meteora: \(printable(sentence, limit: 8192))\n".utf8))
  }
}
