import Foundation
import MeteoRAKernels

/// `model/{shape}/{weights}/{plain|28adapters}/{open|first_token|prompt128|prompt512|decode}`:
/// whole models, each in a process of its own (``ModelMeasurement``).
struct ModelBenchmark {
  let run: BenchmarkRun

  private static let rows =
    ["open", "first_token"] + ModelCase.prompts.map { "prompt\($0)" } + ["decode"]

  static var caseNames: [String] {
    ModelCase.all.flatMap { modelCase in rows.map { modelCase.group + $0 } }
  }

  func measureAll() throws {
    run.output.writeHeading(ResultRow.heading)
    // Times of the plain model, by what stands behind its name.
    var plain: [String: Double] = [:]
    for modelCase in ModelCase.all {
      guard run.selection.includesAny(of: modelCase.group) else { continue }
      if modelCase.shape.isOnRequest, run.selection.isAll { continue }
      do {
        try requireMemory(modelCase)
        try ModelFolder(modelCase: modelCase).prepare()
      } catch let error as ModelFolderError {
        Output.note("left out: \(error)")
        continue
      }
      for var row in try measure(modelCase) {
        complete(&row, of: modelCase)
        if modelCase.hasAdapters {
          let name = row.name.replacing("/\(ModelCase.adapterCount)adapters/", with: "/plain/")
          row.timesPlain = plain[name].map { row.medianMs / $0 }
        } else {
          plain[row.name] = row.medianMs
        }
        try run.output.write(row, as: row.text)
      }
    }
  }

  private func requireMemory(_ modelCase: ModelCase) throws {
    // What opening takes beside the weights, and the machine's own needs.
    let needed = modelCase.weightBytes + modelCase.weightBytes / 10 + 1 << 30
    if let available = ProcessMemory.availableOnMachine, available < needed {
      throw ModelFolderError.noMemory(
        name: modelCase.name, needed: needed, available: available)
    }
  }

  private func measure(_ modelCase: ModelCase) throws -> [ResultRow] {
    var arguments = ["model", "--json", "--model-case", modelCase.name]
    arguments += ["--threads", "\(run.parallelism.threads)"]
    arguments += ["--seconds", "\(run.budget.seconds)", "--repeats", "\(run.budget.fewest)"]
    for row in Self.rows where run.includes(modelCase.group + row) {
      arguments += ["--only", modelCase.group + row]
    }
    arguments += ["--started", "\(MonotonicTime.nanoseconds)"]
    return try Program.ourselves(arguments).lines().compactMap { line in
      if case .row(let row) = try ResultLine(line) { row } else { nil }
    }
  }

  /// Adds what only this process knows: the machine's limit.
  private func complete(_ row: inout ResultRow, of modelCase: ModelCase) {
    row.weightMegabytes = Double(modelCase.weightBytes) / 1e6
    let work: Work
    if row.name == modelCase.group + "decode" {
      work = modelCase.decodeWork
    } else if let tokens = ModelCase.prompts.first(where: {
      row.name == "\(modelCase.group)prompt\($0)"
    }) {
      work = modelCase.promptWork(tokens: tokens)
    } else {
      return
    }
    row.add(work, at: run.peak)
  }
}
