import Foundation
import MeteoRASafetensors

/// A small file, or standard input, that a command reads whole.
struct TextFile {
  /// The path, or "standard input".
  let name: String
  let bytes: [UInt8]

  /// More than any prompt: an endless input must not fill the memory.
  private static let largest = 64 << 20

  /// - Parameter path: `-` for standard input.
  init(_ path: String, console: Console) throws {
    if path == "-" {
      name = "standard input"
      guard let bytes = try console.input.readAll(limit: Self.largest) else {
        throw Self.tooLarge(name)
      }
      self.bytes = bytes
      return
    }
    name = path
    // A folder can be opened, too; a pipe, as the shell makes it for `<(…)`, is welcome.
    _ = try Paths.file(path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileAccessError(code: errno, path: path, operation: "read") }
    defer { close(descriptor) }
    guard let bytes = try DescriptorSource(descriptor, name: path).readAll(limit: Self.largest)
    else { throw Self.tooLarge(path) }
    self.bytes = bytes
  }

  private static func tooLarge(_ name: String) -> CommandFailure {
    CommandFailure("\(name): is larger than \(largest >> 20) MiB, expected a prompt")
  }

  /// The text, if it is UTF-8 throughout.
  func text() throws -> String {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded): offset += encoded.count
      case .emptyInput: return String(decoding: bytes, as: UTF8.self)
      case .error:
        let before = bytes[..<offset]
        let line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        let column = offset - (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1)
        throw CommandFailure(
          "\(name):\(line):\(column) (byte \(offset)): found bytes that are not UTF-8, expected "
            + "text in UTF-8")
      }
    }
  }
}
