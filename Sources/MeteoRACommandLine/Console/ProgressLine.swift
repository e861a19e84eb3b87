import MeteoRASafetensors

/// A line on standard error that tells how far a command is; only where that is a terminal.
final class ProgressLine {
  private let sink: (any ByteSink)?
  private var shown = ""

  init(on console: Console) {
    sink = console.error.isTerminal ? console.error : nil
  }

  deinit {
    clear()
  }

  /// Shows a text in place of the last one.
  func show(_ text: String) {
    guard let sink, text != shown else { return }
    shown = text
    // Return to the first column, write, erase what is left of a longer text.
    try? sink.write(Array("\r\(printable(text))\u{1B}[K".utf8))
  }

  /// Takes the line away, so that other output can begin.
  func clear() {
    guard let sink, !shown.isEmpty else { return }
    shown = ""
    try? sink.write(Array("\r\u{1B}[K".utf8))
  }
}
