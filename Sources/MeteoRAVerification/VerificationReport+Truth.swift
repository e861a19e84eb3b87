import Foundation
import MeteoRASafetensors

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
  /// What the distance of a logit may be at most; the largest over the prompts.
  public let maximumBound: Double
  /// What the ratio of a prompt may be at most; the largest over the prompts.
  public let ratioBound: Double
  /// What both may be at most, over the prompts; `nil` without any.
  let bounds: (maximum: ClosedRange<Double>, ratio: ClosedRange<Double>)?
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
    maximumBound = distances.map(\.maximumBound).largestMagnitude
    ratioBound = distances.map(\.ratioBound).largestMagnitude
    bounds = distances.reduce(nil) { sum, distance in
      let (maximum, ratio) = (distance.maximumBound, distance.ratioBound)
      return (
        (maximum...maximum).joined(with: sum?.maximum), (ratio...ratio).joined(with: sum?.ratio)
      )
    }
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
        report.distance != nil || report.adapterChoices.total + report.tokenChoices.total > 0
      else { continue }
      if reports[model] == nil { models.append(model) }
      reports[model, default: []].append(report)
    }
    return models.map { TruthSummary($0, reports[$0] ?? []) }
  }

  /// A legend, and ``truthSummary`` as a table with a head and a last line over all models; empty
  /// without models.
  var truthTable: [String] {
    let summaries = truthSummary
    if summaries.isEmpty { return [] }
    let all = TruthSummary("all", cases.filter { $0.model != nil })
    let folder = Self.commonFolder(of: summaries.map(\.model))
    let head = [
      folder.isEmpty ? "model" : printable(folder), "prompts", "max |Δ|", "RMS", "PyTorch's",
      "ratio", "worst",
      "bound", "adapters", "tokens",
    ]
    let rows =
      summaries.map {
        $0.cells(named: String(decoding: $0.model.utf8.dropFirst(folder.utf8.count), as: UTF8.self))
      }
      + [all.cells(named: "all")]
    return legend(all) + Self.table([head] + rows, leading: 1)
  }

  /// What the columns are.
  private func legend(_ all: TruthSummary) -> [String] {
    let limit = all.bounds.map { ", of one prompt at most \($0.maximum.text)" } ?? ""
    let (adapters, tokens) = (all.adapterChoices.bounds, all.tokenChoices.bounds)
    let gap: String
    if let adapters, let tokens, adapters != tokens {
      gap = "\(adapters.text) (adapters) or \(tokens.text) (tokens)"
    } else {
      gap = (adapters ?? tokens)?.text ?? "allowed"
    }
    return [
      "Logits against binary64. max |Δ|: the largest distance\(limit). RMS: over all prompts.",
      "PyTorch's: RMS of its own binary32. ratio: RMS / PyTorch's. worst: of one prompt, at most bound.",
      "adapters and tokens, n: c, o: n choices, c of them closer than \(gap), "
        + "o of these made otherwise.",
    ]
  }

  /// What all paths begin with, up to a `/`.
  private static func commonFolder(of paths: [String]) -> String {
    guard let first = paths.first?.utf8,
      let slash = first.lastIndex(of: UInt8(ascii: "/"))
    else { return "" }
    let folder = first[...slash]
    return paths.allSatisfy { $0.utf8.starts(with: folder) }
      ? String(decoding: folder, as: UTF8.self) : ""
  }
}

extension TruthSummary {
  fileprivate func cells(named name: String) -> [String] {
    func text(_ format: String, _ value: Double) -> String {
      prompts > 0 ? String(format: format, value) : "-"
    }
    return [
      printable(name), "\(prompts)", text("%.1e", maximumAbsolute), text("%.2e", rms),
      text("%.2e", referenceRMS), text("%.2f", ratio), text("%.2f", largestRatio),
      bounds?.ratio.text ?? "-", adapterChoices.cell, tokenChoices.cell,
    ]
  }
}

extension ClosedRange<Double> {
  /// A bound as it is, or the least and the largest of several.
  fileprivate var text: String {
    let (least, most) = (String(format: "%g", lowerBound), String(format: "%g", upperBound))
    return lowerBound == upperBound ? most : "\(least) to \(most)"
  }
}

extension ChoiceCount {
  fileprivate var cell: String { total > 0 ? "\(total): \(close), \(differing)" : "-" }
}
