import MeteoRA
import MeteoRAReports
import Testing

@Suite("Text with the dominant adapter of its tokens")
struct RoutedTextTests {
  private static let first = TokenRouting(sums: [3, 1], moduleCount: 4)
  private static let second = TokenRouting(sums: [1, 3], moduleCount: 4)

  private func marked(
    _ tokens: [(String, TokenRouting?)], names: [String] = ["sql", "chat"], style: TerminalStyle
  ) -> (text: String, legend: String) {
    var text = RoutedText(adapterNames: names, style: style)
    let shown = tokens.map { text.append($0.0, routing: $0.1) }.joined()
    return (shown, text.legend)
  }

  @Test("without colours names an adapter where it changes, and counts tokens")
  func plain() {
    let (text, legend) = marked(
      [("a", Self.first), ("b", Self.first), ("c", Self.second), ("d", nil), ("e", Self.second)],
      style: .plain)
    #expect(text == "[sql]ab[chat]cde")
    #expect(legend == " sql  2   chat  2")
  }

  @Test("counts a token that ends inside a character, and names its adapter with the next")
  func emptyToken() {
    let (text, legend) = marked([("", Self.second), ("é", Self.first)], style: .plain)
    #expect(text == "[sql]é")
    #expect(legend == " sql  1   chat  1")
  }

  @Test("colours every token's background, and never the rest of a line")
  func coloured() {
    let (text, _) = marked([("a\nb", Self.first)], style: .trueColor)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      #expect(line.hasPrefix("\u{1B}[38;2;"))
      #expect(line.hasSuffix("\u{1B}[0m"))
    }
  }

  @Test("gives adapters different colours, and a higher share a deeper one")
  func colours() {
    let faint = TokenRouting(sums: [2, 1], moduleCount: 4)
    let texts = [Self.first, Self.second, faint].map {
      marked([("a", $0)], style: .palette256).text
    }
    #expect(Set(texts).count == 3)
    #expect(texts.allSatisfy { $0.contains(";48;5;") })
  }

  @Test("shows control characters of text and of names")
  func controlCharacters() {
    let (text, legend) = marked(
      [("\u{1B}[2J", Self.first)], names: ["a\u{1B}]0;x", "b"], style: .plain)
    #expect(!(text + legend).utf8.contains(0x1B))
    #expect(text.hasSuffix("␛[2J"))
  }

  @Test("leaves a token alone whose adapter has no name")
  func unknownAdapter() {
    let (text, legend) = marked([("a", Self.second)], names: ["only"], style: .plain)
    #expect(text == "a")
    #expect(legend.isEmpty)
  }
}
