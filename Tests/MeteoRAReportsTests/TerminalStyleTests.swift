import MeteoRAReports
import Testing

@Suite("What a terminal can show")
struct TerminalStyleTests {
  @Test("never and always override terminal and environment")
  func overrides() {
    let forbidding = ["NO_COLOR": "1", "TERM": "dumb"]
    #expect(TerminalStyle(choice: .never, isTerminal: true, environment: [:]) == .plain)
    #expect(
      TerminalStyle(choice: .always, isTerminal: false, environment: forbidding) == .palette256)
  }

  @Test("auto asks the terminal, NO_COLOR and TERM")
  func auto() {
    func style(_ isTerminal: Bool, _ environment: [String: String]) -> TerminalStyle {
      TerminalStyle(choice: .auto, isTerminal: isTerminal, environment: environment)
    }
    #expect(style(false, [:]) == .plain)
    #expect(style(true, [:]) == .palette256)
    #expect(style(true, ["NO_COLOR": ""]) == .palette256)
    #expect(style(true, ["NO_COLOR": "0"]) == .plain)
    #expect(style(true, ["TERM": "dumb"]) == .plain)
  }

  @Test("COLORTERM says whether there are 24 bits", arguments: ["truecolor", "24bit"])
  func trueColor(value: String) {
    let environment = ["COLORTERM": value]
    #expect(
      TerminalStyle(choice: .auto, isTerminal: true, environment: environment) == .trueColor)
  }

  @Test("headings are bold only where escapes are understood")
  func emphasis() {
    #expect(TerminalStyle.plain.emphasise("x") == "x")
    #expect(TerminalStyle.palette256.emphasise("x") == "\u{1B}[1mx\u{1B}[0m")
  }
}
