import MeteoRASafetensors
import MeteoRAVerification

/// Prints reports as they come.
final class ReportPrinter {
  private let console: Console
  private let isJSON: Bool
  private let total: Int
  private let progress: ProgressLine
  private var count = 0
  /// The first write that failed; reports cannot be stopped from inside.
  private(set) var failure: OutputFailure?

  init(console: Console, isJSON: Bool, total: Int) {
    self.console = console
    self.isJSON = isJSON
    self.total = total
    progress = ProgressLine(on: console)
  }

  func print(_ report: CaseReport) {
    guard failure == nil else { return }
    count += 1
    progress.clear()
    do throws(OutputFailure) {
      try isJSON
        ? console.printLine(report.json.line) : console.print("\(report)\n")
    } catch {
      failure = error
    }
    // On the way to a file the terminal would show nothing else for a while.
    if !console.output.isTerminal { progress.show("\(count) of \(total) cases") }
  }

  func finish(_ report: VerificationReport) throws(OutputFailure) {
    if let failure { throw failure }
    progress.clear()
    if isJSON {
      let counts = JSONOutput.object([
        ("cases", .integer(report.cases.count)), ("passed", .integer(report.passedCount)),
        ("failed", .integer(report.failures.count)), ("missing", .integer(report.missingCount)),
        ("left_out", .integer(report.leftOutCount)),
        ("stray_tensors", .array(report.strayTensors.map { .string($0) })),
        ("truth", .array(report.truthSummary.map(\.json))),
      ])
      try console.printLine(counts.line)
      return
    }
    var lines = [""] + report.summary
    lines += strayLines(report.strayTensors)
    var counts = ["\(report.passedCount) passed", "\(report.failures.count) failed"]
    if report.missingCount > 0 { counts.append("\(report.missingCount) missing") }
    if report.leftOutCount > 0 { counts.append("\(report.leftOutCount) left out") }
    lines += [
      "", "\(counts.joined(separator: ", ")), of \(total) \(total == 1 ? "case" : "cases")",
    ]
    try console.print(lines.joined(separator: "\n") + "\n")
  }

  private func strayLines(_ names: [String]) -> [String] {
    if names.isEmpty { return [] }
    let shown = 20
    let these = names.count == 1 ? "this tensor" : "these \(names.count) tensors"
    var lines = [
      "", "No case wants \(these); 'meteora verify --list' prints the names that are wanted:",
    ]
    lines += names.prefix(shown).map { "  \(printable($0, limit: 4096))" }
    if names.count > shown { lines.append("  … and \(names.count - shown) more") }
    return lines
  }
}
