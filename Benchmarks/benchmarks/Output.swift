import Foundation

/// Where results go: a table for people, or JSON lines for programs.
struct Output {
  let isJSON: Bool

  /// Writes one result: its fields as an object of a line, or `text`.
  func write(_ result: some Encodable, as text: String) throws {
    guard isJSON else {
      writeLine(text)
      return
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    writeLine(String(decoding: try encoder.encode(result), as: UTF8.self))
  }

  /// Writes what stands above a table; nothing to programs.
  func writeHeading(_ text: String) {
    if !isJSON { writeLine("\n" + text) }
  }

  /// Not buffered: every row is there as soon as it is measured, in a file too.
  private func writeLine(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }
}

extension String {
  /// Filled with spaces up to `width`.
  func padded(to width: Int) -> String { padding(toLength: width, withPad: " ", startingAt: 0) }
}
