/// What became of the cases of a pack.
public struct VerificationReport: Sendable {
  /// In the order of the pack.
  public let cases: [CaseReport]
  /// ``GoldenManifest/flags``, which explain the tiers.
  public let flags: [String: String]
  /// Tensors that were handed in and are no result: those of no case of the pack, and of the cases
  /// that were judged those that are none of ``GoldenCase/resultTensors()``.
  public let strayTensors: [String]

  init(cases: [CaseReport], flags: [String: String], strayTensors: [String] = []) {
    self.cases = cases
    self.flags = flags
    self.strayTensors = strayTensors
  }

  /// Cases that failed or could not be run.
  public var failures: [CaseReport] { cases.filter(\.isFailure) }

  /// Whether at least one case was judged, none failed, and no result is missing.
  public var isPassed: Bool {
    passedCount > 0 && !cases.contains { $0.isFailure || $0.isMissing }
  }

  /// Cases that were judged and kept.
  public var passedCount: Int { cases.count { $0.verdict == .passed } }

  /// Cases of which results are missing, and none is wrong.
  public var missingCount: Int { cases.count(where: \.isMissing) }

  /// Cases whose results are no tensors.
  public var leftOutCount: Int { cases.count { $0.verdict == .notJudged } }
}
