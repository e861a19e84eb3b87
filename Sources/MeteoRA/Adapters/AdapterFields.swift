import MeteoRASafetensors

// The fields of an `adapter_config.json`, each with the type that it has to have. What their values
// mean, and whether they suit each other, `LoRAConfiguration+Reading.swift` decides.

/// What tells plain LoRA from everything else that PEFT can do.
struct AdapterKind {
  var type: String
  var bias: String?
  /// `init_lora_weights`, if it is a word.
  var initialisation: String?
  /// Fields that are not known here and not empty, with a few words of their values.
  var others: [(field: String, value: String)] = []

  /// - Parameter known: Fields that are not among ``others``.
  init(_ root: JSONValue, known: [String]) throws(JSONError) {
    type = try root.required("peft_type").stringValue()
    for (key, value) in try root.membersValue() {
      if known.contains(where: key.equals) || value.isEmptySetting { continue }
      others.append((try key.stringValue(), value.excerpt))
    }
    bias = try root.optional("bias")?.stringValue()
    if let value = try root.optional("init_lora_weights"), value.bool == nil {
      initialisation = try value.stringValue()
    }
  }
}

/// What LoRA does, and where.
struct AdapterFields {
  /// A number, and where it stands: the path of a value is found anew each time, for messages.
  struct Alpha {
    let json: JSONValue
    let value: Double

    init(_ json: JSONValue) throws(JSONError) {
      self.json = json
      value = try json.doubleValue()
    }
  }

  var rank: Int
  var alpha: Alpha
  var usesRankStabilization: Bool
  var targetModules: LoRAConfiguration.Modules
  var excludedModules: LoRAConfiguration.Modules?
  var layersToTransform: [Int]?
  var layersPattern: [String]
  var rankPattern: [(key: String, rank: Int)]
  var alphaPattern: [(key: String, alpha: Alpha)]
  /// `nil` if it is absent, or no text.
  var version: String?

  init(_ root: JSONValue) throws(JSONError) {
    rank = try Self.rank(root.required("r"))
    alpha = try Alpha(root.required("lora_alpha"))
    usesRankStabilization = try root.optional("use_rslora")?.boolValue() ?? false
    targetModules = try Self.targetModules(of: root)
    excludedModules = try Self.excludedModules(of: root)
    layersToTransform = try Self.layersToTransform(of: root)
    layersPattern = try Self.layersPattern(of: root)
    rankPattern = try Self.rankPattern(of: root)
    alphaPattern = try Self.alphaPattern(of: root)
    version = root["peft_version"]?.string
  }

  /// What ``init(_:)`` would throw of each field on its own.
  static func problems(_ root: JSONValue) -> [JSONError] {
    var problems: [JSONError] = []
    func check(_ read: () throws(JSONError) -> Void) {
      do throws(JSONError) { try read() } catch { problems.append(error) }
    }
    check { () throws(JSONError) in _ = try rank(root.required("r")) }
    check { () throws(JSONError) in _ = try Alpha(root.required("lora_alpha")) }
    check { () throws(JSONError) in _ = try root.optional("use_rslora")?.boolValue() }
    check { () throws(JSONError) in _ = try targetModules(of: root) }
    check { () throws(JSONError) in _ = try excludedModules(of: root) }
    check { () throws(JSONError) in _ = try layersToTransform(of: root) }
    check { () throws(JSONError) in _ = try layersPattern(of: root) }
    check { () throws(JSONError) in _ = try rankPattern(of: root) }
    check { () throws(JSONError) in _ = try alphaPattern(of: root) }
    return problems
  }

  // MARK: Fields

  private static func targetModules(
    of root: JSONValue
  ) throws(JSONError) -> LoRAConfiguration.Modules {
    let target = try root.required("target_modules")
    return target.isAllLinear ? .allLinear : try LoRAConfiguration.Modules(target)
  }

  private static func excludedModules(
    of root: JSONValue
  ) throws(JSONError) -> LoRAConfiguration.Modules? {
    guard let excluded = try root.optional("exclude_modules") else { return nil }
    return try LoRAConfiguration.Modules(excluded)
  }

  private static func layersToTransform(of root: JSONValue) throws(JSONError) -> [Int]? {
    guard let value = try root.optional("layers_to_transform") else { return nil }
    let layers = try value.oneOrMore { value throws(JSONError) in try value.integerValue() }
    return layers.isEmpty ? nil : layers
  }

  private static func layersPattern(of root: JSONValue) throws(JSONError) -> [String] {
    // An empty text stands for no pattern, but one in a list for a pattern that matches nothing.
    guard let pattern = try root.optional("layers_pattern"), pattern.utf8?.isEmpty != true else {
      return []
    }
    return try pattern.oneOrMore { value throws(JSONError) in try value.stringValue() }
  }

  private static func rankPattern(
    of root: JSONValue
  ) throws(JSONError) -> [(key: String, rank: Int)] {
    guard let members = try root.optional("rank_pattern")?.membersValue() else { return [] }
    var ranks: [(key: String, rank: Int)] = []
    for (key, value) in members { ranks.append((try key.stringValue(), try rank(value))) }
    return ranks
  }

  private static func alphaPattern(
    of root: JSONValue
  ) throws(JSONError) -> [(key: String, alpha: Alpha)] {
    guard let members = try root.optional("alpha_pattern")?.membersValue() else { return [] }
    var alphas: [(key: String, alpha: Alpha)] = []
    for (key, value) in members { alphas.append((try key.stringValue(), try Alpha(value))) }
    return alphas
  }

  private static func rank(_ value: JSONValue) throws(JSONError) -> Int {
    try value.integerValue(in: 1...1 << 20)
  }
}

extension LoRAConfiguration.Modules {
  fileprivate init(_ value: JSONValue) throws(JSONError) {
    if let elements = value.elements {
      var names: [String] = []
      for element in elements { names.append(try element.stringValue()) }
      self = .names(names)
    } else if let text = value.string {
      self = .expression(text)
    } else {
      throw value.mismatch(expected: "a string or an array of strings")
    }
  }
}

extension JSONValue {
  /// The elements of an array, or what is no array as the only one.
  fileprivate func oneOrMore<Element>(
    _ read: (JSONValue) throws(JSONError) -> Element
  ) throws(JSONError) -> [Element] {
    guard let elements else { return [try read(self)] }
    var values: [Element] = []
    for element in elements { values.append(try read(element)) }
    return values
  }

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
}
