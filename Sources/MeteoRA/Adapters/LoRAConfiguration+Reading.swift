import Foundation
import MeteoRALlama
import MeteoRASafetensors

extension LoRAConfiguration {
  /// Reads an `adapter_config.json` of PEFT, 0.10 or later.
  ///
  /// A field that is not known here, or not built, is refused by name unless it is empty, false
  /// or null: it could change the result.
  ///
  /// - Throws: ``MeteoRAError``.
  public init(contentsOf url: URL) throws(MeteoRAError) {
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONDocument(contentsOf: url).root
    } catch {
      throw .json(error)
    }
    try self.init(root, file: url.path)
  }

  /// What ``init(contentsOf:)`` would refuse in an `adapter_config.json`, where that stops at the
  /// first: every field that is not supported or has the wrong type, else the first whose value
  /// does not do.
  static func problems(contentsOf url: URL) -> [MeteoRAError] {
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONDocument(contentsOf: url).root
      _ = try root.membersValue()
    } catch {
      return [.json(error)]
    }
    var problems: [MeteoRAError] = []
    do throws(JSONError) {
      let kind = try AdapterKind(root, known: harmless + known)
      problems += kind.problems(file: url.path)
    } catch {
      problems.append(.json(error))
    }
    let mistyped = AdapterFields.problems(root)
    problems += mistyped.map { .json($0) }
    guard mistyped.isEmpty else { return problems }
    do throws(MeteoRAError) {
      _ = try LoRAConfiguration(try AdapterFields(reading: root), file: url.path)
    } catch {
      problems.append(error)
    }
    return problems
  }

  /// Reads the content of an `adapter_config.json`.
  ///
  /// - Parameter file: The name that errors give it.
  package init(_ root: JSONValue, file: String) throws(MeteoRAError) {
    let kind: AdapterKind
    do throws(JSONError) {
      kind = try AdapterKind(root, known: Self.harmless + Self.known)
    } catch {
      throw .json(error)
    }
    if let problem = kind.problems(file: file).first { throw problem }
    try self.init(try AdapterFields(reading: root), file: file)
  }

  /// Fields without influence on a trained adapter's result. `fan_in_fan_out` is for layers that
  /// Llama does not have; PEFT itself takes it as false there.
  private static let harmless = [
    "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "eva_config",
    "fan_in_fan_out", "inference_mode", "loftq_config", "lora_dropout", "megatron_core",
    "qalora_group_size", "revision", "runtime_config", "task_type",
  ]

  /// Fields that are read.
  private static let known = [
    "alpha_pattern", "bias", "exclude_modules", "init_lora_weights", "layers_pattern",
    "layers_to_transform", "lora_alpha", "peft_type", "peft_version", "r", "rank_pattern",
    "target_modules", "use_rslora",
  ]

  private init(_ fields: AdapterFields, file: String) throws(MeteoRAError) {
    self.file = file
    rank = fields.rank
    alpha = try fields.alpha.finite(file: file)
    usesRankStabilization = fields.usesRankStabilization
    targetModules = fields.targetModules
    var budget = PatternBudget(file: file)
    targets = try targetModules.matcher(field: "target_modules", budget: &budget)
    excludedModules = fields.excludedModules
    excluded = try excludedModules?.matcher(field: "exclude_modules", budget: &budget)
    layersToTransform = fields.layersToTransform
    layers = fields.layersToTransform.map { Set($0) }
    var layersPattern: [PathPattern] = []
    for text in fields.layersPattern {
      layersPattern.append(
        try PathPattern(text, extent: .layerList, field: "layers_pattern", budget: &budget))
    }
    self.layersPattern = layersPattern
    var alphas: [(key: String, value: Double)] = []
    for (key, alpha) in fields.alphaPattern { alphas.append((key, try alpha.finite(file: file))) }
    let isOfToday = fields.isOfToday
    patterns = ModulePatterns(
      ranks: try .init(
        fields.rankPattern.map { ($0, $1) }, field: "rank_pattern", isOfToday: isOfToday,
        budget: &budget),
      alphas: try .init(alphas, field: "alpha_pattern", isOfToday: isOfToday, budget: &budget))
    try refuseLayersOfExpression()
    try refuseOtherModules()
  }

  /// PEFT restricts lists of names to layers, and nothing else.
  private func refuseLayersOfExpression() throws(MeteoRAError) {
    if case .names = targetModules { return }
    for (field, isGiven) in [
      ("layers_to_transform", layersToTransform != nil), ("layers_pattern", !layersPattern.isEmpty),
    ] where isGiven {
      throw .invalid(
        file: file, field: field, found: "given",
        expected: "null, as target_modules is no list of names")
    }
  }

  /// The embedding and the output matrix stay as they are.
  private func refuseOtherModules() throws(MeteoRAError) {
    if case .allLinear = targets { return }
    var work = PatternWork(file: file)
    for path in ["lm_head", "model.embed_tokens"] {
      guard try changes(Array(path.utf8), layer: nil, work: &work) else { continue }
      throw .unsupported(
        file: file, field: "target_modules",
        found: "\(targetModules.excerpt) and so changes \(path)",
        supported: LinearModule.allCases.map(\.rawValue).joined(separator: ", "))
    }
  }
}

extension AdapterKind {
  /// Initialisations that leave the base weights as they are.
  private static let harmlessInitialisations = ["gaussian", "eva", "orthogonal"]

  /// In what the adapter is more, or something else, than `s · B · A`.
  fileprivate func problems(file: String) -> [MeteoRAError] {
    var problems: [MeteoRAError] = []
    func require(_ field: String, _ found: String?, _ words: [String], beside others: String = "") {
      guard let found, !words.contains(where: { $0.utf8.elementsEqual(found.utf8) }) else { return }
      problems.append(
        .unsupported(
          file: file, field: field, found: found, supported: others + words.joined(separator: ", "))
      )
    }
    require("peft_type", type, ["LORA"])
    for (field, value) in others {
      problems.append(
        .unsupported(file: file, field: field, found: value, supported: "leaving it out"))
    }
    require("bias", bias, ["none"])
    require(
      "init_lora_weights", initialisation, Self.harmlessInitialisations, beside: "true, false, ")
    return problems
  }
}

extension AdapterFields {
  fileprivate init(reading root: JSONValue) throws(MeteoRAError) {
    do throws(JSONError) {
      try self.init(root)
    } catch {
      throw .json(error)
    }
  }
}

extension AdapterFields.Alpha {
  fileprivate func finite(file: String) throws(MeteoRAError) -> Double {
    guard Float(value).isFinite else {
      throw .invalid(
        file: file, field: json.path, found: "\(value)", expected: "a binary32 number")
    }
    return value
  }
}

extension AdapterFields {
  /// Whether a release of PEFT with today's rule of patterns made the file: it says so, or has a
  /// key that such a release matches with a module, and no other with anything. One release made
  /// all of the file, so one such key is enough for all of them.
  fileprivate var isOfToday: Bool {
    version.map { ModulePatterns.isOfToday(version: $0) } ?? false
      || rankPattern.contains { ModulePatterns.isOfToday(key: $0.key) }
      || alphaPattern.contains { ModulePatterns.isOfToday(key: $0.key) }
  }
}

extension LoRAConfiguration.Modules {
  /// The setting in a few words, for messages.
  fileprivate var excerpt: String {
    switch self {
    case .allLinear: return "all-linear"
    case .expression(let text): return "the expression '\(printable(text, limit: 40))'"
    case .names(let names):
      let most = 8
      let shown = names.prefix(most).map { printable($0, limit: 40) }
      return "[" + (shown + (names.count > most ? ["…"] : [])).joined(separator: ", ") + "]"
    }
  }

  fileprivate func matcher(
    field: String, budget: inout PatternBudget
  ) throws(MeteoRAError) -> ModuleMatcher {
    switch self {
    case .names(let names):
      return ModuleMatcher(names: names)
    case .allLinear:
      return .allLinear
    case .expression(let text):
      return .expression(
        try PathPattern(text, extent: .whole, field: field, budget: &budget))
    }
  }
}
