import Foundation
import MeteoRAReports

/// Standard output.
struct DemoPage {
  let style: TerminalStyle

  func write(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw DemoError.output
    }
  }

  func print(_ text: String) throws { try write(text + "\n") }

  func headline(_ text: String) throws { try print(style.emphasise(text) + "\n") }

  /// Cells of a row, each filled up to its width; the last one is as long as it is.
  func print(row cells: [String], widths: [Int]) throws {
    var line = ""
    for (cell, width) in zip(cells, widths) {
      line += cell + String(repeating: " ", count: max(1, width - cell.unicodeScalars.count))
    }
    try print(String(line.reversed().drop { $0 == " " }.reversed()))
  }
}
