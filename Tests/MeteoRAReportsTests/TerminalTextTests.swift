import MeteoRAReports
import Testing

@Suite("Text for terminals")
struct TerminalTextTests {
  @Test("keeps what moves nothing", arguments: ["", "abc", "a\nb\tc", "é, 中, 👩‍👩‍👧, ␛", "\u{A0}"])
  func keeps(text: String) {
    #expect(terminalText(text).utf8.elementsEqual(text.utf8))
  }

  @Test(
    "shows a picture of every control character",
    arguments: [
      ("\u{1B}[2J", "␛[2J"), ("a\rb", "a␍b"), ("\u{0}", "␀"), ("\u{1F}", "␟"), ("\u{7F}", "␡"),
      ("\u{9B}31m", "␡31m"), ("\r\n", "␍\n"), ("\u{8}", "␈"),
    ])
  func shows(text: String, shown: String) {
    #expect(terminalText(text).utf8.elementsEqual(shown.utf8))
  }
}
