import Foundation
import MeteoRASafetensors

/// Lines on their way to standard output, or to a file that appears when it is complete.
final class LineOutput {
  private enum Target {
    case sink(any ByteSink)
    case file(ReplacementFile)
  }

  private let target: Target
  private var buffer: [UInt8] = []
  private var written = 0

  /// - Parameter file: `nil` for standard output.
  init(_ file: URL?, console: Console) throws {
    if let file {
      target = .file(try ReplacementFile(replacing: file))
    } else {
      target = .sink(console.output)
    }
  }

  func append(_ line: JSONOutput) throws {
    buffer += line.line
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= 1 << 18 { try flush() }
  }

  /// Writes what was appended so far.
  func flush() throws {
    if buffer.isEmpty { return }
    switch target {
    case .sink(let sink): try sink.write(buffer)
    case .file(let file):
      try buffer.withUnsafeBytes { bytes in try file.write(bytes, at: written) }
    }
    written += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes the rest, and gives a file its name.
  func finish() throws {
    try flush()
    if case .file(let file) = target { try file.commit() }
  }
}
