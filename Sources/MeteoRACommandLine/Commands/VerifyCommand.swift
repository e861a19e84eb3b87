import MeteoRAVerification

extension Command {
  /// `meteora verify`.
  static let verify = Command(
    name: "verify", summary: "Runs a golden pack, or judges another port's results.",
    usage: ["--pack D [OPTIONS]"],
    description: [
      "Runs every case of the pack here, with every kernel where adapters are involved and on "
        + "several numbers of threads where threads split the work. Prints a line for each case "
        + "and, where results differ, the first element that does, both values, and their "
        + "distance in units in the last place (ulp).",
      "With --against it judges a file of results instead: one safetensors file, tensors named as "
        + "--list prints them: {case}/{output} for every output of a case; but of 'model_distance' "
        + "cases {case}/logits, for each routed module {case}/layers.{i}.{module}.selected and, "
        + "where the case has the true ones, .gate_logits.",
      "The exit code is 0 if no chosen case failed and no result of one is missing, else 1.",
    ],
    groups: [VerifyOptions.group],
    examples: [
      "meteora verify --pack Fixtures/golden",
      "meteora verify --pack Fixtures/golden --list --only math/",
      "meteora verify --pack Fixtures/golden --against mine.safetensors --only math/",
    ],
    run: { arguments, console in
      let pack = try Paths.folder(arguments.requiredPath(VerifyOptions.pack))
      let lists = arguments.isGiven(VerifyOptions.list)
      if lists, arguments.isGiven(VerifyOptions.against) {
        throw UsageError("option --list judges nothing, so it goes without --against")
      }
      let candidates = try arguments.path(VerifyOptions.against).map { try Paths.file($0) }
      let verification = try Verification(pack: pack)
      let choice = try CaseChoice(
        prefixes: arguments.texts(VerifyOptions.only), of: verification.manifest.cases)
      let chosen = verification.manifest.cases.filter(choice.includes)
      let isJSON = arguments.isGiven(VerifyOptions.json)
      if lists {
        try ResultList(console: console, isJSON: isJSON).print(chosen)
        return .success
      }
      let printer = ReportPrinter(console: console, isJSON: isJSON, total: chosen.count)
      let report = try console.interruption.gracefully {
        // Cases are left out once somebody wants to stop, or nobody reads any more.
        func goesOn(_ golden: GoldenCase) -> Bool {
          choice.includes(golden) && !console.interruption.isRequested && printer.failure == nil
        }
        guard let candidates else {
          return verification.run(where: goesOn, onReport: printer.print)
        }
        return try verification.judge(
          candidates: candidates, where: goesOn, onReport: printer.print)
      }
      try printer.finish(report)
      if console.interruption.isRequested { throw Interrupted() }
      return report.isPassed ? .success : .failure
    })
}

/// The options of `verify`.
private enum VerifyOptions {
  static let pack = OptionDeclaration("pack", "D", "The folder with manifest.json. Required.")
  static let against = OptionDeclaration(
    "against", "F", "Judges the results in this safetensors file instead of running the cases.")
  static let only = OptionDeclaration(
    "only", "PREFIX", isRepeatable: true, "Only the cases whose id begins with this.")
  static let list = OptionDeclaration(
    flag: "list",
    "Runs nothing, and prints a line for each tensor that --against wants: name, dtype, shape, "
      + "tier.")
  static let json = OptionDeclaration(
    flag: "json",
    "Prints one line of JSON a case (id, tier, verdict, findings, measurements, notes), and one "
      + "with the counts and, per model, the distance to the truth; of --list one a tensor.")

  static let group = OptionGroup("Options", [pack, against, only, list, json])
}
