import MeteoRA
import MeteoRAEvaluation

/// The options of `eval` alone.
enum EvaluationOptions {
  static let datasets = OptionDeclaration(
    "datasets", "DIR",
    "The folder of the tasks' folders, each with a test.jsonl and a task.json. Required.")
  static let task = OptionDeclaration(
    "task", "T", isRepeatable: true, "A task, by the name of its folder.")
  static let tasksOfBundle = OptionDeclaration(
    flag: "tasks-of-bundle", "The tasks with the names of the model's adapters, in their order.")
  static let limit = OptionDeclaration(
    "limit", "N", "The first N samples of each task; lines behind them are not looked at.")
  static let addBOS = OptionDeclaration(
    flag: "add-bos", "Begins every prompt with BOS, for models that were trained so.")

  static let routeByLabel = OptionDeclaration(
    flag: "route-by-label",
    "Every token takes the adapter that its label names, with weight 1: that of its span, or of its "
      + "task. Gates are not asked.")
  static let eachAdapter = OptionDeclaration(
    flag: "each-adapter",
    "Runs every adapter alone on every task, then the base, and prints one table.")

  static let json = OptionDeclaration(
    flag: "json",
    "Prints one JSON object: settings, the SHA-256 of all files that were read, counts, rates and "
      + "intervals; no times, so that equal runs print equal bytes.")
  static let save = OptionDeclaration(
    "save", "F",
    "Also writes a line of JSON for every answer: mode, task, prompt, response, reference, score, and "
      + "items of composites. The file appears when it is complete; one that is there already is "
      + "replaced.")
  static let batchSize = OptionDeclaration(
    "batch-size", "B",
    "Prompts that run together; the bits are the same. (default: \(Evaluator.defaultBatchSize))")

  static let groups: [OptionGroup] = [
    OptionGroup("Tasks", [datasets, task, tasksOfBundle, limit, addBOS]),
    ModelOptions.groups[0],
    OptionGroup(
      ModelOptions.groups[1].title, ModelOptions.groups[1].options + [routeByLabel, eachAdapter]),
    OptionGroup("Output", [json, save, ModelOptions.verbose]),
    OptionGroup(ModelOptions.groups[2].title, [batchSize] + ModelOptions.groups[2].options),
  ]

  /// Throws if options exclude each other whatever the model is.
  static func refuseContradictions(_ arguments: ParsedArguments) throws {
    for own in [routeByLabel, eachAdapter] where arguments.isGiven(own) {
      let others = [ModelOptions.singleAdapter, ModelOptions.noAdapters] + ModelOptions.routing
      if let other = others.first(where: arguments.isGiven) {
        throw UsageError(
          "option \(other.spelling) has no effect with \(own.spelling), which says itself what runs; "
            + "leave one out")
      }
    }
    for (first, second, advice) in [
      (routeByLabel, eachAdapter, "choose one of them"),
      (task, tasksOfBundle, "name the tasks one way"),
    ] where arguments.isGiven(first) && arguments.isGiven(second) {
      throw UsageError(
        "options \(first.spelling) and \(second.spelling) exclude each other: \(advice)")
    }
  }

  /// The names of the tasks that are asked for.
  static func tasks(_ arguments: ParsedArguments, _ request: ModelRequest) throws -> [String] {
    if arguments.isGiven(task) { return arguments.texts(task) }
    guard arguments.isGiven(tasksOfBundle) else {
      throw UsageError(
        "no task given: \(task.spelling) T or \(tasksOfBundle.spelling) is needed")
    }
    try requireAdapters(request, for: tasksOfBundle)
    return request.adapterNames
  }

  static func requireAdapters(
    _ request: ModelRequest, for option: OptionDeclaration
  ) throws {
    guard request.adapterNames.isEmpty else { return }
    throw CommandFailure(
      "option \(option.spelling) needs a model with adapters, this one has none")
  }
}
