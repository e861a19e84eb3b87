import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

/// A run of the tool in this process, and what came out.
struct ToolRun {
  let exitCode: Int32
  let output: String
  let error: String

  /// - Parameters:
  ///   - arguments: Without the program's name.
  ///   - input: Standard input.
  ///   - partLength: How many bytes of it come at once.
  ///   - inputFile: What it is said to come from.
  ///   - output: Standard output, for tests that watch it.
  ///   - interruption: What a test may set while the tool runs.
  init(
    _ arguments: [String], input: [UInt8] = [], partLength: Int = .max,
    inputFile: FileIdentity? = nil,
    output: MemorySink = MemorySink(),
    error: MemorySink = MemorySink(), environment: [String: String] = [:],
    interruption: Interruption = Interruption()
  ) {
    exitCode = MeteoraTool.run(
      arguments: arguments,
      input: MemorySource(bytes: input, partLength: partLength, file: inputFile), output: output,
      error: error, environment: environment, interruption: interruption)
    self.output = String(decoding: output.bytes, as: UTF8.self)
    self.error = String(decoding: error.bytes, as: UTF8.self)
  }

  /// The lines of the output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// The only line of the output, as JSON.
  func json() throws -> JSONValue {
    try #require(lines.count == 1)
    return try JSONDocument(bytes: Array(lines[0].utf8), source: "output").root
  }
}

/// Output that stays in memory.
final class MemorySink: ByteSink {
  var isTerminal = false
  var bytes: [UInt8] = []
  /// Called with the number of each write, from 1, before it; may throw.
  var onWrite: (Int) throws(OutputFailure) -> Void = { _ in }
  private var writes = 0

  func write(_ bytes: [UInt8]) throws(OutputFailure) {
    writes += 1
    try onWrite(writes)
    self.bytes += bytes
  }
}

/// Input from memory, which comes in parts of some size.
final class MemorySource: ByteSource {
  let file: FileIdentity?
  private var rest: ArraySlice<UInt8>
  private let partLength: Int

  init(bytes: [UInt8], partLength: Int = .max, file: FileIdentity? = nil) {
    self.file = file
    rest = bytes[...]
    self.partLength = partLength
  }

  func read(upTo count: Int, shouldStop: () -> Bool) -> [UInt8]? {
    if shouldStop() { return nil }
    let part = rest.prefix(min(count, partLength))
    rest = rest.dropFirst(part.count)
    return Array(part)
  }
}

extension JSONValue {
  /// A list of integers.
  var integers: [Int]? { elements?.compactMap(\.integer) }
}
