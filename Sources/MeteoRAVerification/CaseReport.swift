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
    /// Nothing was handed in for the case.
    case absent
    /// What was handed in is right, but results are missing, which the findings name.
    case incomplete([Finding])
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
  /// Remarks, such as choices too close to call, or why the case is left out.
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

  /// Whether results are wrong, or could not be judged.
  public var isFailure: Bool {
    switch verdict {
    case .failed, .notRun: true
    case .passed, .absent, .incomplete, .notJudged: false
    }
  }

  /// Whether results are missing, and none is wrong.
  public var isMissing: Bool {
    switch verdict {
    case .absent, .incomplete: true
    case .passed, .failed, .notRun, .notJudged: false
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
    notes = verdict == .notJudged ? ["its results are no tensors"] : judgement.notes
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
    case .notJudged: lines = ["left out \(id) [\(tier)]"]
    case .absent: lines = ["missing  \(id) [\(tier)]"]
    case .incomplete(let findings):
      lines = ["missing  \(id) [\(tier)]"] + findings.map { "         \($0)" }
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
