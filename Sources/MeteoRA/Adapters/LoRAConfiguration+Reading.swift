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

  /// Reads the content of an `adapter_config.json`.
  ///
  /// - Parameter file: The name that errors give it.
  package init(_ root: JSONValue, file: String) throws(MeteoRAError) {
    do {
      try self.init(reading: root, file: file)
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as MeteoRAError {
      throw error
    } catch {
      throw .inaccessible(path: file, reason: "\(error)")
    }
  }

  /// Fields without influence on a trained adapter's result. `fan_in_fan_out` is for layers that
  /// Llama does not have; PEFT itself takes it as false there.
  private static let harmless = [
    "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "fan_in_fan_out",
    "inference_mode", "loftq_config", "lora_dropout", "megatron_core", "peft_version",
    "qalora_group_size", "revision", "runtime_config", "task_type", "eva_config",
  ]

  /// Fields that are read below.
  private static let known = [
    "alpha_pattern", "bias", "exclude_modules", "init_lora_weights", "layers_pattern",
    "layers_to_transform", "lora_alpha", "peft_type", "r", "rank_pattern", "target_modules",
    "use_rslora",
  ]

  /// Initialisations that leave the base weights as they are.
  private static let harmlessInitialisations = ["gaussian", "eva", "orthogonal"]

  private init(reading root: JSONValue, file: String) throws {
    func unsupported(_ field: String, _ found: String, _ supported: String) -> MeteoRAError {
      .unsupported(file: file, field: field, found: printable(found), supported: supported)
    }
    let type = try root.required("peft_type")
    guard type.equals("LORA") else {
      throw unsupported("peft_type", try type.stringValue(), "LORA")
    }
    for (key, value) in try root.membersValue() {
      let isKnown = (Self.harmless + Self.known).contains(where: key.equals)
      if !isKnown, !value.isEmptySetting {
        throw unsupported(try key.stringValue(), value.summary, "leaving it out")
      }
    }
    if let bias = try root.optional("bias"), !bias.equals("none") {
      throw unsupported("bias", try bias.stringValue(), "none")
    }
    if let initialisation = try root.optional("init_lora_weights"), initialisation.bool == nil,
      !Self.harmlessInitialisations.contains(where: initialisation.equals)
    {
      throw unsupported(
        "init_lora_weights", try initialisation.stringValue(),
        "true, false, " + Self.harmlessInitialisations.joined(separator: ", "))
    }

    self.file = file
    rank = try root.required("r").rankValue()
    alpha = try root.required("lora_alpha").alphaValue(file: file)
    usesRankStabilization = try root.optional("use_rslora")?.boolValue() ?? false
    let target = try root.required("target_modules")
    targetModules = target.isAllLinear ? .allLinear : try Modules(target)
    targets = try targetModules.matcher(file: file, field: "target_modules")
    excludedModules = try root.optional("exclude_modules").map { try Modules($0) }
    excluded = try excludedModules?.matcher(file: file, field: "exclude_modules")
    layersToTransform = try root.optional("layers_to_transform").flatMap { value in
      guard let elements = value.elements else { return [try value.integerValue()] }
      let layers = try elements.map { try $0.integerValue() }
      return layers.isEmpty ? nil : layers
    }
    layersPattern =
      try root.optional("layers_pattern").map { value in
        let texts = try value.elements?.map { try $0.stringValue() } ?? [value.stringValue()]
        return try texts.filter { !$0.isEmpty }.map {
          try PathPattern($0, extent: .layerList, file: file, field: "layers_pattern")
        }
      } ?? []
    rankPattern = try root.patterns("rank_pattern", file: file) { try $0.rankValue() }
      .map { ($0, $1) }
    alphaPattern = try root.patterns("alpha_pattern", file: file) {
      try $0.alphaValue(file: file)
    }.map { ($0, $1) }
    try refuseLayersOfExpression()
    try refuseEndlessPatterns()
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

  /// Bounds the time that a configuration can ask for: its patterns are tried on every module.
  private func refuseEndlessPatterns() throws(MeteoRAError) {
    var patterns = layersPattern + rankPattern.map(\.pattern) + alphaPattern.map(\.pattern)
    for case .expression(let pattern) in [targets, excluded] { patterns.append(pattern) }
    let cost = patterns.reduce(0) { $0 + $1.cost }
    guard cost <= Self.largestCost else {
      throw .invalid(
        file: file, field: "the number of steps that its patterns take", found: "\(cost)",
        expected: "at most \(Self.largestCost)")
    }
  }

  /// Room for every module of the largest Llama, named on its own, many times over.
  private static let largestCost = 1 << 16

  /// The embedding and the output matrix stay as they are.
  private func refuseOtherModules() throws(MeteoRAError) {
    if case .allLinear = targets { return }
    for path in ["lm_head", "model.embed_tokens"] where changes(path, layer: nil) {
      throw .unsupported(
        file: file, field: "target_modules", found: "one that holds \(path)",
        supported: LinearModule.allCases.map(\.rawValue).joined(separator: ", "))
    }
  }
}

extension LoRAConfiguration.Modules {
  fileprivate init(_ value: JSONValue) throws {
    if let elements = value.elements {
      self = .names(try elements.map { try $0.stringValue() })
    } else if let text = value.string {
      self = .expression(text)
    } else {
      throw value.mismatch(expected: "a string or an array of strings")
    }
  }

  fileprivate func matcher(file: String, field: String) throws(MeteoRAError) -> ModuleMatcher {
    switch self {
    case .names(let names): .names(names)
    case .allLinear: .allLinear
    case .expression(let text):
      .expression(try PathPattern(text, extent: .whole, file: file, field: field))
    }
  }
}

extension JSONValue {
  /// Null, false, or nothing inside.
  fileprivate var isEmptySetting: Bool {
    isNull || bool == false || members?.count == 0 || elements?.count == 0
  }

  /// PEFT's word for every linear layer, in letters of either case.
  fileprivate var isAllLinear: Bool {
    let word = "all-linear".utf8
    guard let text = utf8, text.count == word.count else { return false }
    return zip(text, word).allSatisfy { $0 == $1 || ($0 | 0x20 == $1 && $0 >= 0x41 && $0 <= 0x5A) }
  }

  fileprivate func rankValue() throws(JSONError) -> Int {
    try integerValue(in: 1...1 << 20)
  }

  fileprivate func alphaValue(file: String) throws -> Double {
    let alpha = try doubleValue()
    guard Float(alpha).isFinite else {
      throw MeteoRAError.invalid(
        file: file, field: path, found: "\(alpha)", expected: "a binary32 number")
    }
    return alpha
  }

  /// The entries of `rank_pattern` or `alpha_pattern`, in order.
  fileprivate func patterns<Value>(
    _ field: String, file: String, _ read: (JSONValue) throws -> Value
  ) throws -> [(PathPattern, Value)] {
    try optional(field)?.membersValue().map { key, value in
      let pattern = try PathPattern(
        key.stringValue(), extent: .end, file: file, field: "key of \(field)")
      return (pattern, try read(value))
    } ?? []
  }
}
