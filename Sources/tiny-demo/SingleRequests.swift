import MeteoRAEvaluation

/// One held-out request of each task: the base's answer, MeteoRA's, and who wrote it.
struct SingleRequests {
  let bundle: TrainedBundle
  let page: DemoPage

  private static let widths = [27, 2, 27, 2, 30, 0]

  func show() throws {
    try page.headline("One request at a time; nobody says which adapter it is for")
    let model = bundle.model
    let sets = try bundle.samples(of: model.adapterNames, first: 1)
    let alone = try bundle.answers(to: sets, mode: .noAdapters)
    let routed = try bundle.answers(to: sets, mode: .routed)
    try page.print(
      row: ["request", "", "the base alone", "", "MeteoRA", "written by adapter"],
      widths: Self.widths)
    for (base, routed) in zip(alone, routed) {
      guard let base = base.answers.first, let answer = routed.answers.first else { continue }
      let writer = try bundle.routedAnswer(to: answer.prompt).writers.first ?? nil
      try page.print(
        row: [
          Self.line(answer.prompt), Self.mark(base.isCorrect), Self.line(base.response),
          Self.mark(answer.isCorrect), Self.line(answer.response),
          writer.map { model.adapterNames[$0] } ?? "",
        ], widths: Self.widths)
    }
    try page.print("\n✓ right   ✗ wrong\n")
  }

  static func mark(_ isCorrect: Bool) -> String { isCorrect ? "✓" : "✗" }

  /// Without the line feeds at its end.
  private static func line(_ text: String) -> String {
    let lines = text.split(separator: "\n")
    return lines.joined(separator: " / ")
  }
}
