/// What a terminal can show.
public enum TerminalStyle: Sendable, Equatable {
  /// Characters only.
  case plain
  /// The 256 colours of xterm.
  case palette256
  /// 24-bit colours.
  case trueColor

  /// When colours are used.
  public enum Choice: String, Sendable, CaseIterable {
    case always, never, auto
  }

  /// Decides as `--color`, `NO_COLOR`, `TERM` and `COLORTERM` ask.
  ///
  /// - Parameters:
  ///   - choice: `always` and `never` override the rest.
  ///   - isTerminal: Whether the output is a terminal.
  ///   - environment: The process's; `NO_COLOR` counts if it is not empty (no-color.org).
  public init(choice: Choice, isTerminal: Bool, environment: [String: String]) {
    let forbids = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    let isDumb = environment["TERM"] == "dumb"
    switch choice {
    case .never: self = .plain
    case .auto where !isTerminal || forbids || isDumb: self = .plain
    case .always, .auto:
      let depth = environment["COLORTERM"] ?? ""
      self = depth == "truecolor" || depth == "24bit" ? .trueColor : .palette256
    }
  }

  /// `text` in black or white, whichever reads better, on `background`.
  ///
  /// Colours end before each line feed and begin again after it, so that they never fill a line
  /// to its end.
  func paint(_ text: String, on background: Color) -> String {
    guard self != .plain else { return text }
    let isLight = background.luminance > 0.36
    let begin: String
    switch self {
    case .plain: begin = ""
    case .palette256:
      begin = "\u{1B}[38;5;\(isLight ? 16 : 231);48;5;\(background.paletteIndex)m"
    case .trueColor:
      let ink = isLight ? 0 : 255
      begin =
        "\u{1B}[38;2;\(ink);\(ink);\(ink);48;2;\(background.red);\(background.green);\(background.blue)m"
    }
    let end = "\u{1B}[0m"
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : begin + $0 + end }
      .joined(separator: "\n")
  }

  /// `text` in bold, for headings.
  public func emphasise(_ text: String) -> String {
    self == .plain ? text : "\u{1B}[1m\(text)\u{1B}[0m"
  }
}
