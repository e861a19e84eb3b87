import Foundation
import MeteoRA
import MeteoRAEvaluation

extension Command {
  /// `meteora eval`.
  static let eval = Command(
    name: "eval", summary: "Tries a model on held-out samples of tasks.",
    usage: ["--model M --datasets DIR (--task T ... | --tasks-of-bundle)", "[OPTIONS]"],
    description: [
      "Writes the most likely answer to every prompt of <datasets>/<task>/test.jsonl, lines such as "
        + "{\"prompt\":\"…\",\"response\":\"…\"}, compares it with the response by the metric of "
        + "<datasets>/<task>/task.json, and prints how many answers of each task are right, with "
        + "the 95 % interval. The file task.json also says after how many tokens an answer ends: "
        + "{\"metric\":\"exact_case\",\"max_new_tokens\":40}.",
      "A sample with spans whose response has numbered lines is a composite: its items are counted "
        + "too, each by itself. The average is that of tasks without composites, each task counting "
        + "the same.",
      "Prompts are tokenised as in training: without special tokens, but for --add-bos.",
    ],
    groups: EvaluationOptions.groups,
    examples: [
      "meteora eval --model M --datasets data --tasks-of-bundle --limit 100",
      "meteora eval --model M --datasets data --task sort --single-adapter sort",
      "meteora eval --model M --datasets data --tasks-of-bundle --each-adapter --json",
      "meteora eval --model M --datasets mixed --task composite-3 --route-by-label",
    ],
    run: { try EvalCommand(arguments: $0, console: $1).run() })
}

private struct EvalCommand {
  let arguments: ParsedArguments
  let console: Console

  private var routesByLabel: Bool { arguments.isGiven(EvaluationOptions.routeByLabel) }
  private var runsEachAdapter: Bool { arguments.isGiven(EvaluationOptions.eachAdapter) }

  func run() throws -> ExitCode {
    try EvaluationOptions.refuseContradictions(arguments)
    let request = try ModelOptions.request(
      arguments, choosesAdapters: routesByLabel || runsEachAdapter)
    for option in [EvaluationOptions.routeByLabel, EvaluationOptions.eachAdapter]
    where arguments.isGiven(option) {
      try EvaluationOptions.requireAdapters(request, for: option)
    }
    let counts = 1...Int(Int32.max)
    let limit = try arguments.integer(EvaluationOptions.limit, in: counts)
    let batchSize = try arguments.integer(EvaluationOptions.batchSize, in: Evaluator.batchSizes)
    let datasets = try Paths.folder(arguments.requiredPath(EvaluationOptions.datasets))
    let sets = try TestSet.all(
      of: EvaluationOptions.tasks(arguments, request), in: datasets,
      adapters: routesByLabel ? request.adapterNames : nil, limit: limit)
    let answers = try arguments.path(EvaluationOptions.save).map { path in
      let url = try Paths.output(path, of: EvaluationOptions.save)
      try Paths.requireOther(
        url, than: request.filesToRead + sets.flatMap(\.files), standardInput: nil)
      return try LineOutput(url, console: console)
    }

    let model = try request.load(
      console: console, isVerbose: arguments.isGiven(ModelOptions.verbose),
      describing: adapters(request))
    let evaluator = try Evaluator(
      model, batchSize: batchSize ?? Evaluator.defaultBatchSize,
      addsBegin: arguments.isGiven(EvaluationOptions.addBOS))
    let modes = modes(of: model, request)
    let runs = try console.interruption.gracefully {
      do throws(EvaluationError) {
        return try results(of: modes, on: sets, by: evaluator)
      } catch .cancelled {
        throw Interrupted()
      }
    }
    if let answers {
      for result in runs.flatMap(\.self) {
        for answer in result.answers { try answers.append(answer.json(of: result)) }
      }
      try answers.finish()
    }
    try print(runs, of: modes, sets, limit, request)
    return .success
  }

  private func modes(of model: MeteoRAModel, _ request: ModelRequest) -> [EvaluationMode] {
    if routesByLabel { return [.labels] }
    return runsEachAdapter ? EvaluationMode.eachAlone(of: model) : [.model(request.mode)]
  }

  /// What the options make of the adapters, where that is no mode of the model.
  private func adapters(_ request: ModelRequest) -> String? {
    let adapters = FactSheet.count(request.adapterNames.count, "adapter")
    if routesByLabel { return "\(adapters), chosen by labels" }
    return runsEachAdapter ? "\(adapters), each alone" : nil
  }

  /// The results by mode and test set.
  private func results(
    of modes: [EvaluationMode], on sets: [TestSet], by evaluator: Evaluator
  ) throws(EvaluationError) -> [[TaskResult]] {
    let progress = ProgressLine(on: console)
    var runs: [[TaskResult]] = []
    for mode in modes {
      var results: [TaskResult] = []
      for set in sets {
        let done = modes.count * sets.count > 1 ? runs.count * sets.count + results.count : nil
        let of = done.map { " (\($0 + 1) of \(modes.count * sets.count))" } ?? ""
        results.append(
          try evaluator.result(
            of: set, mode: mode, shouldStop: { console.interruption.isRequested }
          ) { answers in
            let score = answers.reduce(0) { $0 + $1.score } / Double(max(answers.count, 1))
            progress.show(
              "\(mode.label), \(set.task)\(of): \(answers.count) of \(set.sampleCount) samples, "
                + "\(percent(score)) %")
          })
      }
      runs.append(results)
    }
    return runs
  }

  private func print(
    _ runs: [[TaskResult]], of modes: [EvaluationMode], _ sets: [TestSet], _ limit: Int?,
    _ request: ModelRequest
  ) throws {
    if arguments.isGiven(EvaluationOptions.json) {
      let report = EvaluationJSON(
        request: request, arguments: arguments, sets: sets, limit: limit, modes: modes, runs: runs)
      try console.printLine(try report.object().line)
    } else if runsEachAdapter {
      try console.print(AdapterMatrix(modes: modes, runs: runs).text)
    } else {
      try console.print(runs.map(\.table).joined())
    }
  }
}
