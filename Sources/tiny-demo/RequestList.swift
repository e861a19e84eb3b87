import MeteoRA
import MeteoRAEvaluation
import MeteoRAReports

/// A prompt with requests for several adapters, and its answer, coloured by adapter.
struct RequestList {
  let bundle: TrainedBundle
  let page: DemoPage

  private static let task = "composite-5"
  private static let widths = [30, 2, 30, 0]

  func show() throws {
    let sets = try bundle.samples(of: [Self.task], first: 1)
    guard let routed = try bundle.answers(to: sets, mode: .routed).first?.answers.first else {
      return
    }
    try page.headline(
      "Five requests in one prompt, five adapters in one answer: tokens by dominant adapter")
    let answer = try bundle.routedAnswer(to: routed.prompt)
    try showTokens(answer)
    try showLines(routed, writers: answer.writers)
    try page.headline("The same prompt without gates")
    try showOther("the base alone", .noAdapters, sets)
    if let writer = answer.writers.first, let writer {
      let name = bundle.model.adapterNames[writer]
      try showOther("the adapter \(name) alone", .singleAdapter(name), sets)
    }
  }

  private func showTokens(_ answer: TrainedBundle.RoutedAnswer) throws {
    var view = RoutedText(adapterNames: bundle.model.adapterNames, style: page.style)
    for (text, routing) in zip(answer.texts, answer.routing) {
      try page.write(view.append(text, routing: routing))
    }
    try page.print("\n\(view.legend)\n")
  }

  /// Request, answer and writer side by side.
  private func showLines(_ answer: ScoredAnswer, writers: [Int?]) throws {
    let requests = NumberedItems(answer.prompt)
    let answers = NumberedItems(answer.response)
    try page.print(row: ["request", "", "answer", "written by adapter"], widths: Self.widths)
    for (index, isCorrect) in answer.items.enumerated() {
      let writer = index < writers.count ? writers[index] : nil
      try page.print(
        row: [
          requests[index + 1] ?? "", SingleRequests.mark(isCorrect), answers[index + 1] ?? "",
          writer.map { bundle.model.adapterNames[$0] } ?? "",
        ], widths: Self.widths)
    }
    try page.print("")
  }

  private func showOther(_ name: String, _ mode: MeteoRAModel.Mode, _ sets: [TestSet]) throws {
    guard let answer = try bundle.answers(to: sets, mode: mode).first?.answers.first else { return }
    try page.print("\(name): \(answer.items.count { $0 }) of \(answer.items.count) right\n")
    try page.print(answer.response.split(separator: "\n").joined(separator: "\n") + "\n")
  }
}
