import Foundation
import MeteoRALlama
import MeteoRATraining

/// What a person sees of training while it runs.
final class TrainingView {
  private let console: Console
  private let progress: ProgressLine
  private let steps: Int
  private let interval: Int?
  private let firstStep: Int
  private let start = ContinuousClock.now
  private var lastRouting: RoutingCounts?
  private var lastEvaluation: HeldOutReport?

  /// - Parameters:
  ///   - firstStep: Steps that were made before.
  ///   - interval: A line is printed every so many steps; `nil` for never.
  init(_ console: Console, steps: Int, from firstStep: Int, every interval: Int?) {
    self.console = console
    self.steps = steps
    self.firstStep = firstStep
    self.interval = interval
    progress = ProgressLine(on: console)
  }

  func clear() { progress.clear() }

  func show(_ event: TrainingRun.Event) {
    switch event {
    case .step(let report): show(report)
    case .evaluation(let report):
      lastEvaluation = report
      lastRouting = report.routing
      tell(
        "step \(report.step): held out: " + Self.losses(report.losses, report.routing)
          + (report.isBest ? ", the best so far" : ""))
    case .checkpoint: break
    }
  }

  private func show(_ report: TrainingReport) {
    if lastEvaluation == nil { lastRouting = report.routing }
    let speed = report.seconds > 0 ? Double(report.tokens) / report.seconds : 0
    let text =
      "step \(report.step) of \(steps): " + Self.losses(report.losses, report.routing)
      + ", \(Int(speed.rounded())) tokens/s"
    let left = Self.timeLeft(
      elapsed: (ContinuousClock.now - start) / .seconds(1), done: report.step - firstStep,
      left: steps - report.step)
    if let interval, report.step.isMultiple(of: interval) { tell("\(text), \(left)") }
    progress.show("\(text), \(left)")
  }

  /// A line that stays.
  private func tell(_ sentence: String) {
    progress.clear()
    console.report(sentence)
  }

  private static func losses(_ losses: Losses, _ routing: RoutingCounts) -> String {
    let text = "loss \(decimals(Double(losses.total), 4))"
    guard let accuracy = routing.total.all.accuracy else { return text }
    return text
      + " (language \(decimals(Double(losses.language), 4)), gates \(decimals(Double(losses.gate), 4)))"
      + ", gate accuracy \(decimals(100 * accuracy, 1)) %"
  }

  private static func timeLeft(elapsed: Double, done: Int, left: Int) -> String {
    "\(duration(elapsed / Double(max(done, 1)) * Double(left))) left"
  }

  /// In the two largest units.
  static func duration(_ seconds: Double) -> String {
    guard seconds < 1e9 else { return "years" }
    let whole = Int(seconds.rounded(.up))
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
  }

  static func decimals(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// What the result is.
  func description(of run: TrainingRun, weightsOf step: Int) -> String {
    guard let best = run.progress.best else { return "the weights after step \(step)" }
    return
      "the weights after step \(step), whose held-out loss \(Self.decimals(best.loss, 4)) is the "
      + "lowest"
  }

  /// How often each gate ranked the right adapter first: of held-out data if there were any, else of
  /// the last step's.
  var gateTable: String? {
    guard let lastRouting, !lastRouting.gates.isEmpty else { return nil }
    let columns = LinearModule.allCases.map { Self.padded($0.rawValue, 13) }.joined()
    var table =
      "Gate accuracy by layer and module, prompts / responses, % ("
      + (lastEvaluation == nil ? "the samples of the last step" : "held-out samples") + ")\n"
      + Self.trimmed(Self.padded("layer", 8) + columns) + "\n"
    for (layer, counts) in lastRouting.modules.enumerated()
    where counts.contains(where: { $0.all.labelled > 0 }) {
      table += Self.padded("\(layer)", 8)
      table += LinearModule.allCases.map { module in
        let count = counts[module.index]
        guard count.all.labelled > 0 else { return Self.padded("-", 13) }
        return Self.padded(
          [count.prompts, count.responses].map { part in
            part.accuracy.map { Self.decimals(100 * $0, 1) } ?? "-"
          }.joined(separator: "/"), 13)
      }.joined()
      table = Self.trimmed(table) + "\n"
    }
    return table
  }

  private static func trimmed(_ text: String) -> String {
    String(text.reversed().drop { $0 == " " }.reversed())
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }
}
