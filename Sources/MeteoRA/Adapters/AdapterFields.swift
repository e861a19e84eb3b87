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
      others.append((try key.stringValue(), value.summary))
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
  var rankPattern: [(key: String, rank: Int)] = []
  var alphaPattern: [(key: String, alpha: Alpha)] = []
  /// `nil` if it is absent, or no text.
  var version: String?

  init(_ root: JSONValue) throws(JSONError) {
    rank = try Self.rank(root.required("r"))
    alpha = try Alpha(root.required("lora_alpha"))
    usesRankStabilization = try root.optional("use_rslora")?.boolValue() ?? false
    let target = try root.required("target_modules")
    targetModules = target.isAllLinear ? .allLinear : try LoRAConfiguration.Modules(target)
    if let excluded = try root.optional("exclude_modules") {
      excludedModules = try LoRAConfiguration.Modules(excluded)
    }
    if let layers = try root.optional("layers_to_transform") {
      layersToTransform = try layers.oneOrMore { value throws(JSONError) in
        try value.integerValue()
      }
      if layersToTransform?.isEmpty == true { layersToTransform = nil }
    }
    layersPattern = []
    // An empty text stands for no pattern, but one in a list for a pattern that matches nothing.
    if let pattern = try root.optional("layers_pattern"), pattern.utf8?.isEmpty != true {
      layersPattern = try pattern.oneOrMore { value throws(JSONError) in try value.stringValue() }
    }
    if let members = try root.optional("rank_pattern")?.membersValue() {
      for (key, value) in members {
        rankPattern.append((try key.stringValue(), try Self.rank(value)))
      }
    }
    if let members = try root.optional("alpha_pattern")?.membersValue() {
      for (key, value) in members {
        alphaPattern.append((try key.stringValue(), try Alpha(value)))
      }
    }
    version = root["peft_version"]?.string
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
