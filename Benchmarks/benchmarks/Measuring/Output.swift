import Foundation

/// Where results go: a table for people, or JSON lines for programs.
struct Output {
  let isJSON: Bool

  /// Writes one result: its fields as an object of a line, or `text`.
  func write(_ result: some Encodable, as text: String) throws {
    writeLine(isJSON ? try Self.json(result) : text)
  }

  /// Writes what stands above a table; nothing to programs.
  func writeHeading(_ text: String) {
    if !isJSON { writeLine("\n" + text) }
  }

  /// Writes what sums up rows; nothing to programs.
  func writeText(_ text: String) {
    if !isJSON { writeLine(text) }
  }

  /// Writes a line that is JSON already; nothing to people.
  func relay(_ line: some StringProtocol) {
    if isJSON { writeLine(String(line)) }
  }

  static func json(_ result: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(result), as: UTF8.self)
  }

  /// Says something that belongs to no table.
  static func note(_ text: String) {
    FileHandle.standardError.write(Data("benchmarks: \(text)\n".utf8))
  }

  /// Not buffered: every row is there as soon as it is measured, in a file too.
  private func writeLine(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }
}

extension String {
  /// Filled with spaces up to `width`, or cut there.
  func padded(to width: Int) -> String { padding(toLength: width, withPad: " ", startingAt: 0) }

  /// With spaces before it up to `width`, one at least.
  func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(1, width - count)) + self
  }

  /// Filled with spaces up to `width`; a longer one gets one space.
  func padded(toAtLeast width: Int) -> String {
    count < width ? padded(to: width) : self + " "
  }
}
