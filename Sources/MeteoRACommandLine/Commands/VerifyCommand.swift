import Foundation
import MeteoRA
import MeteoRASafetensors
import MeteoRAVerification

extension Command {
  /// `meteora verify`.
  static let verify = Command(
    name: "verify", summary: "Runs a golden pack, or judges another port's results.",
    usage: ["--pack D [OPTIONS]"],
    description: [
      "Runs every case of the pack here, with every kernel where adapters are involved and on "
        + "several numbers of threads where threads split the work. Prints a line for each case "
        + "and, where results differ, the first element that does, both values, and their "
        + "distance in units in the last place (ulp).",
      "With --against it judges a file of results instead: one safetensors file, tensors named "
        + "{case}/{output}. A result that is missing is a failure.",
      "Without a failure the exit code is 0, else 1.",
    ],
    groups: [VerifyOptions.group],
    examples: [
      "meteora verify --pack Fixtures/golden",
      "meteora verify --pack Fixtures/golden --against mine.safetensors",
    ],
    run: { arguments, console in
      let pack = try Paths.folder(arguments.requiredText(VerifyOptions.pack))
      let candidates = try arguments.text(VerifyOptions.against).map { try Paths.file($0) }
      let verification = try Verification(pack: pack)
      let printer = ReportPrinter(
        console: console, isJSON: arguments.isGiven(VerifyOptions.json),
        total: verification.manifest.cases.count)
      let report = try console.interruption.gracefully {
        // Cases are left out once somebody wants to stop, or nobody reads any more.
        func goesOn(_ golden: GoldenCase) -> Bool {
          !console.interruption.isRequested && printer.failure == nil
        }
        guard let candidates else {
          return verification.run(where: goesOn, onReport: printer.print)
        }
        return try verification.judge(
          candidates: candidates, where: goesOn, onReport: printer.print)
      }
      try printer.finish(report)
      if console.interruption.isRequested { throw Interrupted() }
      return report.isPassed ? .success : .failure
    })
}

/// The options of `verify`.
private enum VerifyOptions {
  static let pack = OptionDeclaration("pack", "D", "The folder with manifest.json. Required.")
  static let against = OptionDeclaration(
    "against", "F", "Judges the results in this safetensors file instead of running the cases.")
  static let json = OptionDeclaration(
    flag: "json",
    "Prints one line of JSON a case (id, tier, verdict, findings, measurements, notes), and one "
      + "with the counts and, per model, the distance to the truth.")

  static let group = OptionGroup("Options", [pack, against, json])
}

/// Prints reports as they come.
private final class ReportPrinter {
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
    let leftOut = report.leftOutCount
    if isJSON {
      let counts = JSONOutput.object([
        ("cases", .integer(report.cases.count)), ("passed", .integer(report.passedCount)),
        ("failed", .integer(report.failures.count)), ("missing", .integer(report.missingCount)),
        ("left_out", .integer(leftOut)),
        ("stray_tensors", .array(report.strayTensors.map { .string($0) })),
        ("truth", .array(report.truthSummary.map(\.json))),
      ])
      try console.printLine(counts.line)
      return
    }
    var lines = [""] + report.summary
    let shown = 20
    for name in report.strayTensors.prefix(shown) {
      lines.append("the tensor '\(printable(name))' is no result of a case")
    }
    if report.strayTensors.count > shown {
      lines.append("… and so do \(report.strayTensors.count - shown) more")
    }
    let missing = report.missingCount > 0 ? ", \(report.missingCount) missing" : ""
    let rest = leftOut > 0 ? ", \(leftOut) left out" : ""
    lines.append(
      "\(report.passedCount) passed, \(report.failures.count) failed\(missing)\(rest), "
        + "of \(total) cases")
    try console.print(lines.joined(separator: "\n") + "\n")
  }
}

extension CaseReport {
  /// The report as one object.
  fileprivate var json: JSONOutput {
    let word: String
    var findings: [String] = []
    switch verdict {
    case .passed: word = "passed"
    case .notJudged: word = "left out"
    case .notRun(let error): (word, findings) = ("not run", ["\(error)"])
    case .absent: word = "missing"
    case .incomplete(let found): (word, findings) = ("missing", found.map(\.description))
    case .failed(let found): (word, findings) = ("failed", found.map(\.description))
    }
    return .object([
      ("id", .string(id)), ("tier", .string(tier)), ("verdict", .string(word)),
      ("findings", .array(findings.map { .string($0) })),
      ("measurements", .object(measurements.map { ($0.name, .number($0.value)) })),
      ("notes", .array(notes.map { .string($0) })),
    ])
  }
}

extension TruthSummary {
  /// The summary as one object.
  fileprivate var json: JSONOutput {
    func counts(_ choices: ChoiceCount) -> JSONOutput {
      .object([
        ("total", .integer(choices.total)), ("close", .integer(choices.close)),
        ("differing", .integer(choices.differing)),
      ])
    }
    return .object([
      ("model", .string(model)), ("prompts", .integer(prompts)), ("logits", .integer(logits)),
      ("max_abs", .number(maximumAbsolute)), ("rms", .number(rms)),
      ("reference_rms", .number(referenceRMS)), ("rms_ratio", .number(ratio)),
      ("largest_rms_ratio", .number(largestRatio)), ("rms_ratio_bound", .number(ratioBound)),
      ("adapter_choices", counts(adapterChoices)), ("token_choices", counts(tokenChoices)),
    ])
  }
}
