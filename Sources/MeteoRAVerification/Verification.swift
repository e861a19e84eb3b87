import Foundation
import MeteoRASafetensors

/// Runs the cases of a golden pack, or judges what another implementation made of them.
///
/// ```swift
/// let verification = try Verification(pack: folder)
/// let report = verification.run { print($0) }
/// ```
///
/// A case is run in every execution that its results must not depend on: all kernels where adapters
/// are involved, 1, 2 and 5 threads where threads split the work. Files and models that were opened
/// stay open for as long as this value, or a copy of it, exists.
public struct Verification: Sendable {
  /// The cases.
  public let manifest: GoldenManifest
  let files: GoldenFiles
  private let models: ModelLibrary

  /// Opens a pack.
  ///
  /// - Parameter folder: The folder with `manifest.json`.
  /// - Throws: ``VerificationError`` if the manifest is not one of version 1.
  public init(pack folder: URL) throws(VerificationError) {
    manifest = try GoldenManifest(folder: folder)
    files = GoldenFiles(folder: folder)
    models = ModelLibrary(folder: folder)
  }

  /// Runs cases, one after the other.
  ///
  /// - Parameters:
  ///   - isIncluded: Which cases; all by default.
  ///   - onReport: Called with every report as soon as it is there.
  public func run(
    where isIncluded: (GoldenCase) -> Bool = { _ in true },
    onReport: (CaseReport) -> Void = { _ in }
  ) -> VerificationReport {
    var reports: [CaseReport] = []
    for golden in manifest.cases where isIncluded(golden) {
      let report = run(golden)
      onReport(report)
      reports.append(report)
    }
    return VerificationReport(cases: reports, flags: manifest.flags)
  }

  /// Runs one case of the pack in all its executions.
  public func run(_ golden: GoldenCase) -> CaseReport {
    guard let operation = GoldenOperation(rawValue: golden.operation) else {
      return CaseReport(
        of: golden,
        verdict: .notRun(.unknownOperation(case: golden.id, operation: golden.operation)))
    }
    let executions = operation.dependence(of: golden).executions
    var judgement: Judgement?
    var findings: [Finding] = []
    do throws(VerificationError) {
      let expectation = try Expectation(of: golden, operation: operation, files: files)
      for execution in executions {
        let run = CaseRun(golden: golden, files: files, models: models, execution: execution)
        let current = try expectation.judge(try run.outcome(of: operation))
        for finding in current.findings { findings.add(finding, in: execution) }
        judgement = judgement ?? current
      }
    } catch {
      return CaseReport(of: golden, verdict: .notRun(error), executions: executions)
    }
    return CaseReport(
      of: golden, verdict: findings.isEmpty ? .passed : .failed(findings),
      judgement: judgement ?? Judgement(), executions: executions)
  }
}

extension [Finding] {
  /// Adds a finding of one execution to those of the others.
  fileprivate mutating func add(_ finding: Finding, in execution: Execution) {
    let known = firstIndex { $0.output == finding.output && $0.problem == finding.problem }
    let index = known ?? count
    if known == nil { append(finding) }
    self[index].executions.append(execution)
  }
}
