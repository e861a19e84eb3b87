import MeteoRA
import MeteoRAEvaluation

/// How many answers to held-out requests are right, computed while one waits.
struct AccuracyTable {
  let bundle: TrainedBundle
  let page: DemoPage

  private static let sampleCount = 25
  private static let composites = ["composite-3", "composite-5"]
  private static let widths = [25, 17, 20, 0]

  func show() throws {
    try page.headline("Right answers, of \(Self.sampleCount) held-out prompts each, in %")
    try page.print(
      row: ["task", "the base alone", "its adapter alone", "MeteoRA"], widths: Self.widths)
    var sums = [0.0, 0.0, 0.0]
    let names = bundle.model.adapterNames
    for name in names {
      let sets = try bundle.samples(of: [name], first: Self.sampleCount)
      let modes = [MeteoRAModel.Mode.noAdapters, .singleAdapter(name), .routed]
      let rates = try modes.compactMap { mode in
        try bundle.answers(to: sets, mode: mode).first?.accuracy.rate
      }
      for (index, rate) in rates.enumerated() { sums[index] += rate / Double(names.count) }
      try show(name, rates)
    }
    try show("average", sums)
    for name in Self.composites {
      let sets = try bundle.samples(of: [name], first: Self.sampleCount)
      let rates = try [MeteoRAModel.Mode.noAdapters, .routed].map { mode in
        try bundle.answers(to: sets, mode: mode).first?.items?.rate
      }
      try show("\(name), its items", [rates[0], nil, rates[1]])
    }
    try page.print("")
  }

  private func show(_ name: String, _ rates: [Double?]) throws {
    try page.print(
      row: [name] + rates.map { $0.map { "\(Int((100 * $0).rounded()))" } ?? "-" },
      widths: Self.widths)
  }
}
