import Foundation
import MeteoRA
import MeteoRAKernels

/// The options by which a command is given a model.
enum ModelOptions {
  static let model = OptionDeclaration(
    "model", "M", "A bundle (a folder with meteora.json) or a plain Hugging Face folder. Required.")
  static let adapters = OptionDeclaration(
    "adapters", "DIR", "For a plain folder: a folder of PEFT folders, in byte order of their names."
  )
  static let adapter = OptionDeclaration(
    "adapter", "NAME=DIR", isRepeatable: true,
    "For a plain folder: a PEFT folder and its name, in the order of the gates' rows. One without "
      + "gates is plain LoRA.")
  static let gates = OptionDeclaration(
    "gates", "F", "For a plain folder: the gates that choose among the adapters.")
  static let checkpoint = OptionDeclaration(
    "checkpoint", "F",
    "For a plain folder, instead of --gates: a checkpoint as the published code saves it. A, B and "
      + "gates come from it, names, order and alphas from the adapters.")
  static let singleAdapter = OptionDeclaration(
    "single-adapter", "NAME", "One adapter for every token, with weight 1.")
  static let noAdapters = OptionDeclaration(flag: "no-adapters", "The base model alone.")
  static let only = OptionDeclaration(
    "only", "NAME,...", isRepeatable: true,
    "The gates choose among these adapters; needs as many as a token takes.")
  static let without = OptionDeclaration(
    "without", "NAME,...", isRepeatable: true, "The gates choose among all adapters but these.")
  static let routerTopK = OptionDeclaration(
    "router-top-k", "K",
    "Adapters that a token takes in a module. (default: the bundle's; 2 for a plain folder)")
  static let routerTemperature = OptionDeclaration(
    "router-temperature", "T",
    "Divides the selected gate logits before their softmax. (default: the bundle's; 1 for a plain "
      + "folder)")
  static let kernel = OptionDeclaration(
    "kernel", "K",
    "loop, bmm or tiled: how updates are computed; the bits are the same. (default: tiled)")
  static let threads = OptionDeclaration(
    "threads", "N", "Threads; the bits are the same. (default: all cores)")
  static let verbose = OptionDeclaration(
    flag: "verbose",
    "Describes the model in one line on standard error, which else only a terminal gets.")

  /// What a model is made of.
  static let parts = [model, adapters, adapter, gates, checkpoint]

  /// What gives a model gates.
  static let gatesOptions = [gates, checkpoint]

  /// What only a model that routes can take.
  static let routing = [only, without, routerTopK, routerTemperature]

  static let groups = [
    OptionGroup("Model", parts),
    OptionGroup(
      "What runs",
      [singleAdapter, noAdapters, only, without, routerTopK, routerTemperature]),
    OptionGroup("Speed", [kernel, threads]),
  ]

  /// Throws if options exclude each other whatever the model is.
  static func refuseContradictions(_ arguments: ParsedArguments) throws {
    let pairs = [
      (adapters, adapter, "name the adapters one way"),
      (gates, checkpoint, "a checkpoint holds gates of its own"),
      (singleAdapter, noAdapters, "choose one of them"),
      (only, without, "one of them says which adapters are left"),
    ]
    for (first, second, advice) in pairs
    where arguments.isGiven(first) && arguments.isGiven(second) {
      throw UsageError(
        "options \(first.spelling) and \(second.spelling) exclude each other: \(advice)")
    }
    for option in routing where arguments.isGiven(option) {
      for mode in [singleAdapter, noAdapters] where arguments.isGiven(mode) {
        throw UsageError(
          "option \(option.spelling) has no effect with \(mode.spelling), which does not route; "
            + "leave one out")
      }
    }
  }

  /// Where the parts are, and how to run them; nothing is loaded yet.
  ///
  /// - Parameter choosesAdapters: Whether the command says itself which adapters run, so that
  ///   several of them need no gates. Without gates the mode is then that of the base.
  /// - Throws: ``UsageError`` for options that contradict each other or the kind of model, else
  ///   what cannot be read.
  static func request(
    _ arguments: ParsedArguments, choosesAdapters: Bool = false
  ) throws -> ModelRequest {
    try refuseContradictions(arguments)
    let folder = try Paths.model(arguments.requiredPath(model), of: model)
    var files = try ModelFiles(folder: folder)
    if ModelFiles.isBundle(folder) {
      for option in [adapters, adapter, gates, checkpoint] where arguments.isGiven(option) {
        throw UsageError(
          "option \(option.spelling) cannot be used with the bundle \(folder.path), which has its "
            + "own; to replace it, give --model \(files.base.path)")
      }
    } else {
      try addParts(to: &files, arguments)
    }
    let adapterNames = files.adapters.map(\.name)
    var mode =
      choosesAdapters && files.gates == .absent ? .noAdapters : try mode(arguments, &files)
    if mode == .routed {
      if let topK = try arguments.integer(routerTopK, in: 1...Int.max) { files.router.topK = topK }
      if let temperature = try arguments.positiveFloat(routerTemperature) {
        files.router.temperature = temperature
      }
      try requireTopK(of: files)
      if let selection = try selection(arguments, of: files) { mode = .routedAmong(selection) }
    } else if let option = routing.first(where: arguments.isGiven) {
      throw UsageError(
        "option \(option.spelling) has no effect: the model has no gates, so it does not route")
    }
    return ModelRequest(
      folder: folder, files: files, adapterNames: adapterNames, mode: mode,
      kernel: try arguments.choice(kernel, of: LoRAMoEKernel.self) ?? .tiled,
      parallelism: try parallelism(arguments))
  }

  /// Throws unless there are as many adapters as a token takes.
  static func requireTopK(of files: ModelFiles) throws {
    let count = files.adapters.count
    guard files.router.topK > count else { return }
    throw CommandFailure(
      "router top-k is \(files.router.topK), but the model has \(count) "
        + "adapter\(count == 1 ? "" : "s"); give \(routerTopK.spelling) "
        + (count == 1 ? "1" : "1 to \(count)"))
  }

  /// The adapters and gates that make a plain folder a MeteoRA model.
  static func addParts(to files: inout ModelFiles, _ arguments: ParsedArguments) throws {
    if let folder = try arguments.path(adapters) {
      files.adapters = try ModelFiles.adapters(in: Paths.folder(folder))
    }
    for text in arguments.texts(adapter) {
      let parts = text.utf8.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw UsageError(
          "option --adapter is '\(printableArgument(text))', expected NAME=DIR")
      }
      let name = String(decoding: parts[0], as: UTF8.self)
      if files.adapters.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        throw UsageError("option --adapter names '\(printableArgument(name))' twice")
      }
      guard ModelFiles.Adapter.isFolderName(name) else {
        throw UsageError(
          "option --adapter gives the name '\(printableArgument(name))', expected "
            + ModelFiles.Adapter.nameRule)
      }
      files.adapters.append(
        .init(name: name, folder: try Paths.folder(String(decoding: parts[1], as: UTF8.self))))
    }
    for option in [gates, checkpoint] {
      guard let file = try arguments.path(option) else { continue }
      guard !files.adapters.isEmpty else {
        throw UsageError(
          "option \(option.spelling) needs adapters: give --adapters DIR or --adapter NAME=DIR")
      }
      let url = try Paths.file(file)
      files.gates = option.name == gates.name ? .file(url) : .checkpoint(url)
    }
  }

  private static func mode(
    _ arguments: ParsedArguments, _ files: inout ModelFiles
  ) throws -> MeteoRAModel.Mode {
    if arguments.isGiven(noAdapters) {
      if files.gates == .absent { files.adapters = [] }
      return .noAdapters
    }
    if let name = arguments.text(singleAdapter) {
      let adapter = try adapter(name, of: files, for: singleAdapter)
      // Several adapters without gates cannot be loaded, but one of them can.
      if files.gates == .absent { files.adapters = [adapter] }
      return .singleAdapter(name)
    }
    if files.gates != .absent { return .routed }
    if files.adapters.count > 1 {
      throw UsageError(
        "\(files.adapters.count) adapters need --gates F or --checkpoint F to choose among them, or "
          + "--single-adapter NAME to take one")
    }
    return files.adapters.first.map { .singleAdapter($0.name) } ?? .noAdapters
  }

  /// The adapter that an option names.
  static func adapter(
    _ name: String, of files: ModelFiles, for option: OptionDeclaration
  ) throws -> ModelFiles.Adapter {
    let named = files.adapters.first { $0.name.utf8.elementsEqual(name.utf8) }
    if let named { return named }
    let known = files.adapters.map(\.name)
    guard !known.isEmpty else {
      throw CommandFailure(
        "option \(option.spelling) needs a model with adapters, this one has none")
    }
    guard let nearest = nearestName(to: name, among: known) else {
      throw MeteoRAError.unknownAdapter(name: name, known: known)
    }
    throw CommandFailure(
      "no adapter is named '\(printableArgument(name))'; did you mean '\(printableArgument(nearest))'?"
    )
  }

  static func parallelism(_ arguments: ParsedArguments) throws -> Parallelism {
    guard let count = try arguments.integer(threads, in: 1...Parallelism.maximumThreads) else {
      return .allCores
    }
    return try Parallelism(threads: count)
  }
}

/// The data do not fit the command line.
struct CommandFailure: Error, CustomStringConvertible {
  /// One sentence.
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
