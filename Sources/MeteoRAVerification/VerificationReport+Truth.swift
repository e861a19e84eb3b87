import Foundation

/// How near to the truth the results of one model are, over all truth cases of it that were judged.
public struct TruthSummary: Sendable {
  /// The model, a path of the pack.
  public let model: String
  /// Cases whose logits were compared.
  public let prompts: Int
  /// Logits that were compared.
  public let logits: Int
  /// The largest magnitude of a logit's distance from its true value; NaN if there is one.
  public let maximumAbsolute: Double
  /// The root of the mean squared distance, over all logits of all prompts.
  public let rms: Double
  /// The same of PyTorch's own binary32.
  public let referenceRMS: Double
  /// The largest ratio of a single prompt.
  public let largestRatio: Double
  /// What the ratio of a prompt may be at most.
  public let ratioBound: Double
  /// Choices of adapters.
  public let adapterChoices: ChoiceCount
  /// Greedily chosen tokens.
  public let tokenChoices: ChoiceCount

  /// `rms` over `referenceRMS`.
  public var ratio: Double { rms / referenceRMS }

  /// - Parameter reports: Those of one model, or of several.
  init(_ model: String, _ reports: [CaseReport]) {
    let distances = reports.compactMap(\.distance)
    let count = distances.reduce(0) { $0 + $1.count }
    func pooled(_ rms: (TruthDistance) -> Double) -> Double {
      let squares = distances.reduce(0) { $0 + Double($1.count) * rms($1) * rms($1) }
      return (squares / Double(max(count, 1))).squareRoot()
    }
    self.model = model
    prompts = distances.count
    logits = count
    maximumAbsolute = distances.map(\.maximumAbsolute).largestMagnitude
    rms = pooled(\.rms)
    referenceRMS = pooled(\.referenceRMS)
    largestRatio = distances.map(\.ratio).largestMagnitude
    ratioBound = distances.map(\.ratioBound).largestMagnitude
    adapterChoices = reports.reduce(ChoiceCount()) { $0 + $1.adapterChoices }
    tokenChoices = reports.reduce(ChoiceCount()) { $0 + $1.tokenChoices }
  }
}

extension VerificationReport {
  /// One summary for each model with truth cases that were judged, in the order of the pack.
  public var truthSummary: [TruthSummary] {
    var models: [String] = []
    var reports: [String: [CaseReport]] = [:]
    for report in cases {
      guard let model = report.model,
        report.distance != nil || report.tokenChoices.total > 0
      else { continue }
      if reports[model] == nil { models.append(model) }
      reports[model, default: []].append(report)
    }
    return models.map { TruthSummary($0, reports[$0] ?? []) }
  }

  /// ``truthSummary`` as a table with a head, and a last line over all models; empty without models.
  var truthTable: [String] {
    let summaries = truthSummary
    if summaries.isEmpty { return [] }
    let all = TruthSummary("all", cases.filter { $0.model != nil })
    let head = [
      "distance to binary64", "prompts", "max |Δ|", "RMS", "PyTorch's", "ratio", "worst", "bound",
      "adapters: close, other", "tokens: close, other",
    ]
    let rows = [head] + (summaries + [all]).map(\.cells)
    let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).enumerated().map { column, cell in
        let padding = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + padding : padding + cell.0
      }.joined(separator: "  ")
    }
  }
}

extension TruthSummary {
  fileprivate var cells: [String] {
    func text(_ format: String, _ value: Double) -> String {
      prompts > 0 ? String(format: format, value) : "-"
    }
    return [
      model, "\(prompts)", text("%.1e", maximumAbsolute), text("%.2e", rms),
      text("%.2e", referenceRMS), text("%.2f", ratio), text("%.2f", largestRatio),
      text("%.1f", ratioBound), adapterChoices.cell, tokenChoices.cell,
    ]
  }
}

extension ChoiceCount {
  fileprivate var cell: String { "\(total): \(close), \(differing)" }
}
