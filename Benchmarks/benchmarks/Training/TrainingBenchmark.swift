/// `training/small/f32/8adapters/{gates|gates+adapters}`: optimiser steps of four sequences of 256
/// tokens, each case in a process of its own (``TrainingMeasurement``).
struct TrainingBenchmark {
  let run: BenchmarkRun

  static var caseNames: [String] { TrainingCase.all.map(\.name) }

  func measureAll() throws {
    run.output.writeHeading(ResultRow.heading)
    for trainingCase in TrainingCase.all where run.includes(trainingCase.name) {
      try ModelFolder(modelCase: trainingCase.modelCase).prepare()
      for var row in try measure(trainingCase) {
        row.add(trainingCase.work, at: run.peak)
        try run.output.write(row, as: row.text)
      }
    }
  }

  private func measure(_ trainingCase: TrainingCase) throws -> [ResultRow] {
    var arguments = ["training", "--json", "--model-case", trainingCase.name]
    arguments += ["--threads", "\(run.parallelism.threads)"]
    arguments += ["--seconds", "\(run.budget.seconds)", "--repeats", "\(run.budget.fewest)"]
    return try Program.ourselves(arguments).lines().compactMap { line in
      if case .row(let row) = try ResultLine(line) { row } else { nil }
    }
  }
}
