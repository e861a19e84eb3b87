import Foundation
import MeteoRASafetensors

extension Verification {
  /// Judges the results of another implementation.
  ///
  /// - Parameters:
  ///   - candidates: A safetensors file with a tensor `{case}/{output}` for each of
  ///     ``GoldenCase/resultTensors()`` of every case.
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
    var strays = file.namesOutside(manifest.cases.map(\.id))
    for golden in manifest.cases where isIncluded(golden) {
      let report = judge(golden, in: file, &strays)
      onReport(report)
      reports.append(report)
    }
    return VerificationReport(cases: reports, flags: manifest.flags, strayTensors: strays)
  }

  private func judge(
    _ golden: GoldenCase, in file: CandidateFile, _ strays: inout [String]
  ) -> CaseReport {
    do throws(VerificationError) {
      let results = try golden.resultTensors()
      strays += file.names(of: golden.id, besides: results)
      guard golden.yieldsTensors else { return CaseReport(of: golden, verdict: .notJudged) }
      let operation = GoldenOperation(rawValue: golden.operation)
      let expectation = try Expectation(of: golden, operation: operation, files: files)
      let tensors = try file.tensors(of: golden.id)
      let judgement = try expectation.judge(tensors, finishReason: nil)
      let findings = judgement.findings
      if findings.isEmpty { return CaseReport(of: golden, verdict: .passed, judgement: judgement) }
      if tensors.isEmpty, !results.isEmpty { return CaseReport(of: golden, verdict: .absent) }
      let verdict: CaseReport.Verdict =
        findings.allSatisfy(\.isMissing) ? .incomplete(findings) : .failed(findings)
      return CaseReport(of: golden, verdict: verdict, judgement: judgement)
    } catch {
      return CaseReport(of: golden, verdict: .notRun(error))
    }
  }
}
