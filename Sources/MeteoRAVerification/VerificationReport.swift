/// What became of one case.
public struct CaseReport: Sendable {
  /// Whether a case is kept.
  public enum Verdict: Sendable, Equatable {
    /// Results are what the case expects, in every execution.
    case passed
    /// Results differ from what is expected; at least one finding.
    case failed([Finding])
    /// The case could not be run: as bad as failed.
    case notRun(VerificationError)
    /// Results of this operation are no tensors, so they cannot be handed in: neither good nor bad.
    case notJudged
  }

  /// The case's id.
  public let id: String
  /// ``GoldenCase/tier``.
  public let tier: String
  /// What became of it.
  public let verdict: Verdict
  /// Values that the check measured.
  public let measurements: [Measurement]
  /// Remarks, such as choices too close to call.
  public let notes: [String]
  /// How the case was run; empty for results that were handed in.
  public let executions: [Execution]
  /// The model of the case, a path of the pack; `nil` if it has none.
  public let model: String?
  /// How far the logits are from the true ones, if the case measures that.
  public let distance: TruthDistance?
  /// Choices of adapters that were compared with the true ones.
  public let adapterChoices: ChoiceCount
  /// Greedily chosen tokens that were compared with the true ones.
  public let tokenChoices: ChoiceCount

  /// Whether the verdict is a failure.
  public var isFailure: Bool {
    switch verdict {
    case .failed, .notRun: true
    case .passed, .notJudged: false
    }
  }

  init(
    of golden: GoldenCase, verdict: Verdict, judgement: Judgement = Judgement(),
    executions: [Execution] = []
  ) {
    id = golden.id
    tier = golden.tier
    self.verdict = verdict
    measurements = judgement.measurements
    notes = judgement.notes
    self.executions = executions
    model = golden.model
    distance = judgement.distance
    adapterChoices = judgement.adapterChoices
    tokenChoices = judgement.tokenChoices
  }
}

extension CaseReport: CustomStringConvertible {
  /// One line, and one more for every finding.
  public var description: String {
    var lines: [String]
    switch verdict {
    case .passed: lines = ["ok       \(id) [\(tier)]"]
    case .notJudged: lines = ["left out \(id) [\(tier)]: its results are no tensors"]
    case .notRun(let error): lines = ["NOT RUN  \(error)"]
    case .failed(let findings):
      lines =
        ["FAILED   \(id) [\(tier)]"]
        + findings.map { "         \($0)" + place(of: $0) }
    }
    let details = measurements.map(\.description) + notes
    if !details.isEmpty { lines[0] += ": " + details.joined(separator: ", ") }
    return lines.joined(separator: "\n")
  }
}

extension CaseReport {
  /// Where a finding was made, if not everywhere.
  private func place(of finding: Finding) -> String {
    if finding.executions.count == executions.count { return "" }
    return " (\(finding.executions.map(\.description).joined(separator: "; ")))"
  }
}

/// What became of the cases of a pack.
public struct VerificationReport: Sendable {
  /// In the order of the pack.
  public let cases: [CaseReport]
  /// Tensors that were handed in and belong to no output of a case.
  public let strayTensors: [String]

  init(cases: [CaseReport], strayTensors: [String] = []) {
    self.cases = cases
    self.strayTensors = strayTensors
  }

  /// Cases that failed or could not be run.
  public var failures: [CaseReport] { cases.filter(\.isFailure) }

  /// Whether at least one case was judged, and none failed.
  public var isPassed: Bool { passedCount > 0 && failures.isEmpty }

  /// Cases that were judged and kept.
  public var passedCount: Int { cases.count { $0.verdict == .passed } }

  /// A line for every area and tier, cases passed of those judged; then the table of
  /// ``truthSummary``, if truth cases were judged.
  public var summary: [String] {
    let table = truthTable
    return countLines + (table.isEmpty ? [] : [""] + table)
  }

  private var countLines: [String] {
    var order: [String] = []
    var counts: [String: (passed: Int, judged: Int, leftOut: Int)] = [:]
    for report in cases {
      let area = report.id.utf8.prefix { $0 != UInt8(ascii: "/") }
      let key = String(decoding: area, as: UTF8.self) + ", " + report.tier
      if counts[key] == nil { order.append(key) }
      var count = counts[key] ?? (0, 0, 0)
      if report.verdict == .notJudged {
        count.leftOut += 1
      } else {
        count.judged += 1
        if report.verdict == .passed { count.passed += 1 }
      }
      counts[key] = count
    }
    return order.compactMap { key in
      guard let count = counts[key] else { return nil }
      let leftOut = count.leftOut > 0 ? ", \(count.leftOut) left out" : ""
      return "\(key): \(count.passed) of \(count.judged) passed\(leftOut)"
    }
  }
}
