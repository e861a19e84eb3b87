import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRAReports
import MeteoRASafetensors
import MeteoRATokenizers

extension Command {
  /// `meteora generate`.
  static let generate = Command(
    name: "generate", summary: "Continues prompts, token by token.",
    usage: ["--model M PROMPT [OPTIONS]"],
    description: [
      "Continues a prompt token by token, the most likely one or one drawn with --temperature, and "
        + "prints the new text as it comes; a model without a tokenizer prints token ids.",
      PromptOptions.templateNotice,
    ],
    groups: [
      ModelOptions.groups[0], PromptOptions.group, GenerateOptions.group, SamplingOptions.group,
    ]
      + ModelOptions.groups.dropFirst(),
    examples: [
      "meteora generate --model Fixtures/demo --prompt 'the capital of france is'",
      "meteora generate --model Fixtures/demo --prompt 'abc' --show-routing",
      "meteora generate --model Fixtures/demo --prompt 'abc' --without rhymes,reverse",
      "meteora generate --model Fixtures/demo --prompt abc --temperature 1 --stop .",
      "meteora generate --model Fixtures/demo --prompt abc --routing-html r.html",
      "meteora generate --model BASE --adapters DIR --gates F --prompt-ids 1,2 --json",
    ],
    run: { try GenerateCommand(arguments: $0, console: $1).run() })
}

/// The options of `generate` alone.
private enum GenerateOptions {
  static let maximumNewTokens = OptionDeclaration(
    "max-new-tokens", "N",
    "New tokens at most; prompt and answer also end where the model's positions do. (default: 128)")
  static let stop = OptionDeclaration(
    "stop", "TEXT", isRepeatable: true,
    "Ends the answer before this text, or at the special token that is spelled so. What could "
      + "become it is held back.")
  static let ignoreEOS = OptionDeclaration(
    flag: "ignore-eos", "Goes on after an end-of-sequence token.")
  static let json = OptionDeclaration(
    flag: "json",
    "Prints one line of JSON a prompt: prompt_ids, new_ids, text (what the new ids add to the "
      + "prompt's; null without a tokenizer), finish_reason (eos, stop, length or cancelled), and "
      + "name with --prompt-ids-file. An error leaves out the prompts that have not ended.")
  static let showRouting = OptionDeclaration(
    flag: "show-routing",
    "Prints prompt and answer with the dominant adapter of every token: by background colour, or "
      + "by [name] where it changes.")
  static let routingHTML = OptionDeclaration(
    "routing-html", "F",
    "Also writes a page for a browser: prompt and answer coloured as with --show-routing, with the "
      + "weights of every token by layer and module. It needs no other file and no network. A file "
      + "that is there already is replaced.")
  static let color = OptionDeclaration(
    "color", "WHEN",
    "always, never or auto: on a terminal, unless NO_COLOR is set. (default: auto)")

  static let group = OptionGroup(
    "Answer",
    [
      maximumNewTokens, stop, ignoreEOS, json, showRouting, routingHTML, color,
      ModelOptions.verbose,
    ])
}

private struct GenerateCommand {
  let arguments: ParsedArguments
  let console: Console

  func run() throws -> ExitCode {
    let request = try ModelOptions.request(arguments)
    let options = try generationOptions()
    if arguments.texts(GenerateOptions.stop).contains(where: \.utf8.isEmpty) {
      throw UsageError(
        "option \(GenerateOptions.stop.spelling) is '', expected at least one character")
    }
    let style = TerminalStyle(
      choice: try arguments.choice(GenerateOptions.color, of: TerminalStyle.Choice.self) ?? .auto,
      isTerminal: console.output.isTerminal, environment: console.environment)
    try refuseUselessRouting(request)
    let pagePath = try arguments.path(GenerateOptions.routingHTML).map { path in
      let url = try Paths.output(path, of: GenerateOptions.routingHTML)
      try Paths.requireOther(
        url, than: request.filesToRead + PromptOptions.filesToRead(arguments),
        standardInput: PromptOptions.standardInput(arguments, console: console))
      return url
    }
    let prompts = try PromptOptions.read(arguments, console: console)

    let model = try request.load(
      console: console, isVerbose: arguments.isGiven(ModelOptions.verbose))
    let tokenizer = try model.tokenizer(isNeeded: prompts.isText)
    let answers = AnswerTexts(
      tokenizer: tokenizer,
      stopStrings: try stopStrings(tokenizer, folder: model.files.base.path))
    let named = try prompts.prompts(for: model.base.configuration, tokenizer: tokenizer)
    let page = try pagePath.map { url in
      try RoutingPageFile(
        at: url, prompts: named, newTokens: options.maximumNewTokens, model: model,
        mode: request.mode, name: modelName, tokenizer: tokenizer)
    }
    return try console.interruption.gracefully {
      do {
        try continuePrompts(named, model, request, options, answers, style: style, page: page)
      } catch {
        // Whatever has stopped the run, what there is of its routing is not lost.
        try page?.write(after: error)
        throw error
      }
      try page?.write()
      if console.interruption.isRequested { throw Interrupted() }
      return .success
    }
  }

  private func continuePrompts(
    _ prompts: [NamedPrompt], _ model: MeteoRAModel, _ request: ModelRequest,
    _ options: GenerationOptions, _ answers: AnswerTexts, style: TerminalStyle,
    page: RoutingPageFile?
  ) throws {
    if arguments.isGiven(GenerateOptions.showRouting) {
      for prompt in prompts where !console.interruption.isRequested {
        if let name = prompt.name { try console.print("== \(printable(name)) ==\n") }
        let view = RoutingView(
          prompt: prompt, adapterNames: model.adapterNames, answers: answers, style: style,
          console: console)
        try generate([prompt], model, request, options, answers, view: view, page: page)
      }
    } else if arguments.isGiven(GenerateOptions.json) {
      let view = JSONView(prompts: prompts, answers: answers, console: console)
      try generate(prompts, model, request, options, answers, view: view, page: page)
    } else {
      let view = PlainView(prompts: prompts, answers: answers, console: console)
      try generate(prompts, model, request, options, answers, view: view, page: page)
    }
  }

  private func generate(
    _ prompts: [NamedPrompt], _ model: MeteoRAModel, _ request: ModelRequest,
    _ options: GenerationOptions, _ answers: AnswerTexts, view: some GenerationView,
    page: RoutingPageFile?
  ) throws {
    var view = view
    let isRouted = page != nil || arguments.isGiven(GenerateOptions.showRouting)
    let generation = try model.generation(
      of: prompts.map(\.tokens), mode: request.mode, options: options,
      stopStrings: answers.stopStrings, recordsRouting: isRouted)
    defer { page?.add(prompts, of: generation) }
    do {
      while let tokens = try generation.step(shouldStop: { console.interruption.isRequested }) {
        try view.show(tokens, of: generation)
      }
      if isRouted { try generation.runLastTokens { console.interruption.isRequested } }
    } catch let error as MeteoRAError {
      // What the prompts have so far is text all the same.
      do throws(OutputFailure) {
        try view.fail(generation)
      } catch let outputFailure {
        throw TwoFailures(error, then: outputFailure)
      }
      throw error
    }
    try view.finish(generation)
  }

  /// What the reader of a page knows the model by: the last part of its path.
  private var modelName: String {
    let path = arguments.text(ModelOptions.model) ?? ""
    return URL(fileURLWithPath: path, isDirectory: true).standardizedFileURL.lastPathComponent
  }

  private func generationOptions() throws -> GenerationOptions {
    var options = try SamplingOptions.options(arguments)
    let counts = 0...Int(Int32.max)
    if let count = try arguments.integer(GenerateOptions.maximumNewTokens, in: counts) {
      options.maximumNewTokens = count
    }
    if arguments.isGiven(GenerateOptions.ignoreEOS) { options.endOfSequence = [] }
    return options
  }

  /// - Parameter folder: The base model's.
  private func stopStrings(_ tokenizer: Tokenizer?, folder: String) throws -> StopStrings? {
    let strings = arguments.texts(GenerateOptions.stop)
    if strings.isEmpty { return nil }
    guard let tokenizer else {
      throw CommandFailure(
        "\(folder): has neither tokenizer.json nor tokenizer.model to find the text of "
          + "\(GenerateOptions.stop.spelling) with; leave the option out")
    }
    return try StopStrings(strings, tokenizer: tokenizer)
  }

  private func refuseUselessRouting(_ request: ModelRequest) throws {
    let options = [GenerateOptions.showRouting, GenerateOptions.routingHTML]
    guard let option = options.first(where: arguments.isGiven) else { return }
    if option.name == GenerateOptions.showRouting.name, arguments.isGiven(GenerateOptions.json) {
      throw UsageError(
        "options --show-routing and --json exclude each other: for routing as data use 'meteora "
          + "trace'")
    }
    guard request.mode.isRouted else {
      throw UsageError(
        "option \(option.spelling) needs a model that routes: adapters with gates, and neither "
          + "--single-adapter nor --no-adapters")
    }
  }
}
