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
  private let files: GoldenFiles
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
    return VerificationReport(cases: reports)
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

  /// Judges the results of another implementation.
  ///
  /// - Parameters:
  ///   - candidates: A safetensors file with a tensor `{case}/{output}` for every output of every
  ///     case. Of truth cases they are those of the same model in binary32: `logits`, and per
  ///     routed module `layers.{i}.{module}.selected` and, if the case has the true ones,
  ///     `.gate_logits`.
  ///   - isIncluded: Which cases; all by default. Cases whose results are no tensors are left out.
  ///   - onReport: Called with every report as soon as it is there.
  /// - Throws: ``VerificationError/safetensors(case:_:)`` if the file cannot be read.
  public func judge(
    candidates: URL, where isIncluded: (GoldenCase) -> Bool = { _ in true },
    onReport: (CaseReport) -> Void = { _ in }
  ) throws(VerificationError) -> VerificationReport {
    let file: CandidateFile
    do throws(SafetensorsError) {
      file = try CandidateFile(contentsOf: candidates)
    } catch {
      throw .safetensors(case: nil, error)
    }
    var reports: [CaseReport] = []
    for golden in manifest.cases where isIncluded(golden) {
      let report = judge(golden, in: file)
      onReport(report)
      reports.append(report)
    }
    return VerificationReport(
      cases: reports, strayTensors: file.namesOutside(manifest.cases.map(\.id)))
  }

  private func judge(_ golden: GoldenCase, in file: CandidateFile) -> CaseReport {
    let operation = GoldenOperation(rawValue: golden.operation)
    // An operation that is not known here can still be compared, if its outputs are tensors.
    let yieldsTensors = operation?.yieldsTensors ?? golden.outputs.contains { $0.tensor != nil }
    guard yieldsTensors else { return CaseReport(of: golden, verdict: .notJudged) }
    do throws(VerificationError) {
      let expectation = try Expectation(of: golden, operation: operation, files: files)
      let judgement = try expectation.judge(
        try file.tensors(of: golden.id), finishReason: nil)
      return CaseReport(
        of: golden,
        verdict: judgement.findings.isEmpty ? .passed : .failed(judgement.findings),
        judgement: judgement)
    } catch {
      return CaseReport(of: golden, verdict: .notRun(error))
    }
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
