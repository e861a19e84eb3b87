import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

/// A changed configuration, and the kind and field of the error that it has to give.
struct ConfigurationRefusal: Sendable, CustomTestStringConvertible {
  let fields: [String: String?]
  /// Such as `unsupported model_type`, or `json num_hidden_layers`.
  let error: String

  init(_ fields: [String: String?], _ error: String) {
    self.fields = fields
    self.error = error
  }

  var testDescription: String {
    fields.map { "\($0.key): \($0.value ?? "absent")" }.sorted().joined(separator: ", ")
  }
}

extension LlamaError {
  /// The kind of the error, and the field that it names.
  var label: String {
    switch self {
    case .json(let error):
      switch error.problem {
      case .mismatch(let path, _, _), .missingField(let path): "json \(path)"
      default: "json"
      }
    case .unsupported(_, let field, _, _): "unsupported \(field)"
    case .invalid(_, let field, _, _): "invalid \(field)"
    case .kernel(_, .outOfRange(let argument, _, _)): "range \(argument)"
    default: "\(self)"
    }
  }
}

@Suite("A config.json that is refused")
struct LlamaConfigurationRefusalTests {
  private static let original = #""original_max_position_embeddings":64"#

  static let architecture: [ConfigurationRefusal] = [
    .init(["model_type": nil], "json model_type"),
    .init(["model_type": "null"], "json model_type"),
    .init(["model_type": "1"], "json model_type"),
    .init(["model_type": #""mistral""#], "unsupported model_type"),
    .init(["model_type": #""Llama""#], "unsupported model_type"),
    .init(["architectures": #"["MistralForCausalLM"]"#], "unsupported architectures"),
    .init(
      ["architectures": #"["LlamaForCausalLM","LlamaForSequenceClassification"]"#],
      "unsupported architectures"),
    .init(["architectures": #""LlamaForCausalLM""#], "json architectures"),
    .init(["architectures": "[7]"], "json architectures[0]"),
    .init(["hidden_act": #""gelu""#], "unsupported hidden_act"),
    .init(["hidden_act": "1"], "json hidden_act"),
    .init(["sliding_window": "4096"], "unsupported sliding_window"),
    .init(["quantization_config": #"{"bits":4}"#], "unsupported quantization_config"),
    .init(["head_dim": "3"], "unsupported head_dim"),
    .init(["hidden_size": "12"], "unsupported head_dim"),
    .init(["hidden_size": "10"], "invalid hidden_size"),
    .init(["num_key_value_heads": "3"], "invalid num_key_value_heads"),
    .init(["num_key_value_heads": "8"], "invalid num_key_value_heads"),
    .init(["rms_norm_eps": nil], "json rms_norm_eps"),
    .init(["rms_norm_eps": "null"], "json rms_norm_eps"),
    .init(["rms_norm_eps": #""1e-5""#], "json rms_norm_eps"),
    .init(["rms_norm_eps": "1e400"], "json rms_norm_eps"),
    .init(["rms_norm_eps": "1e39"], "invalid rms_norm_eps"),
    .init(["rms_norm_eps": "-1e-05"], "invalid rms_norm_eps"),
    .init(["tie_word_embeddings": "1"], "json tie_word_embeddings"),
    .init(["attention_bias": #""true""#], "json attention_bias"),
    .init(["mlp_bias": "0"], "json mlp_bias"),
  ]

  static let ropeTypes: [ConfigurationRefusal] = {
    var refusals: [ConfigurationRefusal] = []
    for type in ["dynamic", "yarn", "longrope", "su", "spiral", ""] {
      for (field, key) in [
        ("rope_scaling", "type"), ("rope_scaling", "rope_type"), ("rope_parameters", "rope_type"),
      ] {
        let settings = "{\"\(key)\":\"\(type)\",\"factor\":2}"
        refusals.append(.init([field: settings], "unsupported \(field).rope_type"))
      }
    }
    return refusals
  }()

  static let rope: [ConfigurationRefusal] =
    [
      .init(["rope_theta": "0"], "range rope_theta"),
      .init(["rope_theta": "-1"], "range rope_theta"),
      .init(["rope_theta": "1e39"], "range rope_theta"),
      .init(["rope_theta": "1e400"], "json rope_theta"),
      .init(["rope_theta": #""10000""#], "json rope_theta"),
      .init(["rope_parameters": #"{"rope_theta":0}"#], "range rope_theta"),
      .init(["rope_scaling": #"{"factor":2}"#], "invalid rope_scaling"),
      .init(["rope_scaling": "{}"], "invalid rope_scaling"),
      .init(["rope_scaling": "[]"], "json rope_scaling"),
      .init(["rope_parameters": "2.0"], "json rope_parameters"),
      .init(["rope_scaling": #"{"type":3}"#], "json rope_scaling.type"),
      .init(["rope_scaling": #"{"type":"linear"}"#], "json rope_scaling.factor"),
      .init(["rope_scaling": #"{"type":"linear","factor":"2"}"#], "json rope_scaling.factor"),
      .init(["rope_scaling": #"{"type":"linear","factor":0}"#], "range rope_scaling.factor"),
      .init(["rope_scaling": #"{"type":"linear","factor":-2}"#], "range rope_scaling.factor"),
      .init(["rope_scaling": #"{"type":"linear","factor":1e39}"#], "range rope_scaling.factor"),
      .init(["rope_scaling": #"{"type":"linear","factor":1e400}"#], "json rope_scaling.factor"),
      .init(
        [
          "rope_scaling": #"{"type":"linear","factor":2}"#,
          "rope_parameters": #"{"rope_type":"linear","factor":2}"#,
        ], "invalid rope_scaling"),
      .init(["partial_rotary_factor": "0.5"], "unsupported partial_rotary_factor"),
      .init(
        ["rope_parameters": #"{"partial_rotary_factor":0.5}"#], "unsupported partial_rotary_factor"),
      .init(
        ["rope_scaling": #"{"type":"default","partial_rotary_factor":0.25}"#],
        "unsupported partial_rotary_factor"),
      .init(["partial_rotary_factor": #""half""#], "json partial_rotary_factor"),
    ]

  private static let llama3Settings: [(fields: String, error: String)] = [
    (#""low_freq_factor":1,"high_freq_factor":4,\#(original)"#, "json rope_scaling.factor"),
    (#""factor":8,"high_freq_factor":4,\#(original)"#, "json rope_scaling.low_freq_factor"),
    (#""factor":8,"low_freq_factor":1,\#(original)"#, "json rope_scaling.high_freq_factor"),
    (
      #""factor":8,"low_freq_factor":1,"high_freq_factor":4"#,
      "json rope_scaling.original_max_position_embeddings"
    ),
    (
      #""factor":8,"low_freq_factor":4,"high_freq_factor":4,\#(original)"#,
      "range rope_scaling.high_freq_factor"
    ),
    (
      #""factor":8,"low_freq_factor":4,"high_freq_factor":1,\#(original)"#,
      "range rope_scaling.high_freq_factor"
    ),
    (
      #""factor":0,"low_freq_factor":1,"high_freq_factor":4,\#(original)"#,
      "range rope_scaling.factor"
    ),
    (
      #""factor":8,"low_freq_factor":0,"high_freq_factor":4,\#(original)"#,
      "range rope_scaling.low_freq_factor"
    ),
    (
      #""factor":8,"low_freq_factor":1,"high_freq_factor":4,"#
        + #""original_max_position_embeddings":0"#,
      "range rope_scaling.original_max_position_embeddings"
    ),
  ]

  static let llama3: [ConfigurationRefusal] = {
    var refusals = llama3Settings.map { settings in
      ConfigurationRefusal(
        ["rope_scaling": "{\"rope_type\":\"llama3\",\(settings.fields)}"], settings.error)
    }
    let inner = #""factor":8,"low_freq_factor":1,"high_freq_factor":4,"# + original
    refusals.append(
      .init(
        [
          "rope_scaling": "{\"rope_type\":\"llama3\",\(inner)}",
          "original_max_position_embeddings": "128",
        ], "invalid original_max_position_embeddings"))
    return refusals
  }()

  static let sizes: [ConfigurationRefusal] = {
    let required = [
      "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    ]
    let optional = ["num_key_value_heads", "head_dim", "max_position_embeddings"]
    let values = [
      "0", "-1", "268435457", "9223372036854775808", "-9223372036854775809", "8.0", "1e1",
      #""8""#, "true", "[8]", "{}",
    ]
    var refusals: [ConfigurationRefusal] = []
    for field in required {
      refusals.append(.init([field: nil], "json \(field)"))
      refusals.append(.init([field: "null"], "json \(field)"))
    }
    for field in required + optional {
      for value in values { refusals.append(.init([field: value], "json \(field)")) }
    }
    return refusals
  }()

  @Test(
    "it says which field is the reason", arguments: architecture + ropeTypes + rope + llama3 + sizes
  )
  func refuses(refusal: ConfigurationRefusal) throws {
    let error = try #require(throws: LlamaError.self) {
      try LlamaConfiguration.tiny(refusal.fields)
    }
    #expect(error.label == refusal.error)
    #expect(error.description.contains("config.json"))
    #expect(!error.description.contains("\n"))
  }

  @Test("it shows no control characters of the file")
  func isPrintable() throws {
    let error = try #require(throws: LlamaError.self) {
      try LlamaConfiguration.tiny(["model_type": #""a\n\u001b[31mb""#])
    }
    #expect(error.description.contains(#"model_type is a\u{A}\u{1B}[31mb, which"#))
  }

  @Test("a head of 2^28 elements is a claim that costs nothing until a tensor bears it out")
  func hugeHead() throws {
    let huge = ["head_dim": "268435456", "hidden_size": "268435456", "vocab_size": "268435456"]
    #expect(try LlamaConfiguration.tiny(huge).headDimension == 1 << 28)
    var model = TinyModel()
    model.fields.merge(huge) { $1 }
    model.fields["num_hidden_layers"] = "268435456"
    let folder = try model.folder()
    let error = try #require(throws: LlamaError.self) { try LlamaModel(folder: folder.url) }
    guard case .safetensors(.shapeMismatch(_, let tensor, let expected, _)) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(tensor == "model.embed_tokens.weight")
    #expect(expected == [1 << 28, 1 << 28])
  }
}
