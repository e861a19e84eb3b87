import MeteoRA
import Testing

@testable import MeteoRACommandLine

@Suite("Lines of problems")
struct ProblemLinesTests {
  private func missing(_ file: String, _ count: Int) -> [MeteoRAError] {
    (0..<count).map { .safetensors(.tensorNotFound(file: "d/\(file)", tensor: "\($0)")) }
  }

  private func names(_ count: Int) -> [MeteoRAError] {
    (0..<count).map { .duplicateAdapter(name: "\($0)") }
  }

  @Test("four that are alike are shown, of five the last two are counted")
  func countsAlike() {
    #expect(ProblemLines.lines(of: missing("f", 4)) == missing("f", 4).map(\.description))
    #expect(
      ProblemLines.lines(of: missing("f", 5))
        == missing("f", 3).map(\.description) + ["… and 2 more tensors of f that are missing"])
  }

  @Test("those of other files, or that stand for themselves, are not alike")
  func keepsOthers() {
    let mixed = zip(missing("f", 4), missing("g", 4)).flatMap { [$0, $1] } + names(6)
    #expect(
      ProblemLines.lines(of: mixed)
        == (missing("f", 4) + missing("g", 4) + names(6)).map(\.description))
  }

  @Test(
    "there are at most twenty and a few lines, and the last counts the rest", arguments: [0, 5])
  func countsRest(alike: Int) {
    #expect(ProblemLines.lines(of: names(20)).count == 20)
    let lines = ProblemLines.lines(of: names(18) + missing("f", alike) + names(20))
    // Of those that are alike two find room.
    #expect(lines.count == 21)
    #expect(lines.last == "… and \(18 + alike) more")
  }
}
