import MeteoRA
import MeteoRASafetensors

/// Text whose tokens show their dominant adapter: on a terminal with colours by the background,
/// deeper for a higher share; without, by the adapter's name in brackets wherever it changes.
///
/// This is the paper's Figure 4 for a terminal.
public struct RoutedText: Sendable {
  private let names: [String]
  private let style: TerminalStyle
  private var current: Int?
  private var counts: [Int]

  /// - Parameters:
  ///   - adapterNames: By index.
  ///   - style: What the terminal can show.
  public init(adapterNames: [String], style: TerminalStyle) {
    names = adapterNames.map { printable($0) }
    self.style = style
    counts = [Int](repeating: 0, count: adapterNames.count)
  }

  /// The next token's text, marked.
  ///
  /// Control characters are made visible, see ``terminalText(_:)``.
  ///
  /// - Parameters:
  ///   - text: May be empty, if the token ends inside a character.
  ///   - routing: `nil` for text without one, which stays as it is.
  public mutating func append(_ text: String, routing: TokenRouting?) -> String {
    let text = terminalText(text)
    guard let routing, names.indices.contains(routing.dominantAdapter) else { return text }
    let adapter = routing.dominantAdapter
    counts[adapter] += 1
    if text.isEmpty { return "" }
    let changed = current != adapter
    current = adapter
    if style == .plain {
      return changed ? "[\(names[adapter])]" + text : text
    }
    return style.paint(text, on: .adapter(adapter, intensity: routing.intensity))
  }

  /// The adapters that were dominant so far, most frequent first, with their numbers of tokens.
  public var legend: String {
    let shown = names.indices.filter { counts[$0] > 0 }
      .sorted { (counts[$0], $1) > (counts[$1], $0) }
    return shown.map { adapter in
      let label = " \(names[adapter]) "
      return style.paint(label, on: .adapter(adapter, intensity: 0.7)) + " \(counts[adapter])"
    }.joined(separator: "  ")
  }
}
