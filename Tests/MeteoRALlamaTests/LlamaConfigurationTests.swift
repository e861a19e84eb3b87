import MeteoRAKernels
import MeteoRALlama
import MeteoRATestSupport
import Testing

extension LlamaConfiguration {
  /// The configuration of the tiny model with some fields changed; `nil` leaves a field out.
  static func tiny(_ changes: [String: String?] = [:]) throws -> LlamaConfiguration {
    let folder = try TemporaryFolder()
    var model = TinyModel()
    for (field, value) in changes { model.fields[field] = value }
    return try LlamaConfiguration(contentsOf: folder.write(model.configuration, to: "config.json"))
  }
}

@Suite("A config.json that is taken")
struct LlamaConfigurationTests {
  @Test("it has the values of the file")
  func values() throws {
    let configuration = try LlamaConfiguration.tiny([
      "head_dim": "6", "rope_theta": "500000.0", "attention_bias": "true", "mlp_bias": "true",
      "tie_word_embeddings": "true", "rms_norm_eps": "1e-06",
    ])
    #expect(configuration.vocabularySize == 11)
    #expect(configuration.hiddenSize == 8)
    #expect(configuration.intermediateSize == 12)
    #expect(configuration.layerCount == 2)
    #expect(configuration.attentionHeads == 4)
    #expect(configuration.keyValueHeads == 2)
    #expect(configuration.headDimension == 6)
    #expect(configuration.normEpsilon.bitPattern == Float(1e-6).bitPattern)
    #expect(configuration.maximumPositions == 640)
    #expect(configuration.ropeTheta == 500_000)
    #expect(configuration.ropeScaling == .unscaled)
    #expect(configuration.tiesEmbeddings)
    #expect(configuration.hasAttentionBias)
    #expect(configuration.hasMLPBias)
  }

  @Test("it fills what Transformers would fill", arguments: [nil, "null"])
  func defaults(absent: String?) throws {
    let configuration = try LlamaConfiguration.tiny([
      "num_key_value_heads": absent, "max_position_embeddings": absent, "rope_theta": absent,
      "tie_word_embeddings": absent, "hidden_act": absent, "architectures": absent,
      "head_dim": absent, "rope_scaling": absent, "rope_parameters": absent,
      "attention_bias": absent, "mlp_bias": absent, "sliding_window": absent,
      "quantization_config": absent, "partial_rotary_factor": absent,
    ])
    #expect(configuration.keyValueHeads == 4)
    #expect(configuration.headDimension == 2)
    #expect(configuration.maximumPositions == 2048)
    #expect(configuration.ropeTheta == 10_000)
    #expect(configuration.ropeScaling == .unscaled)
    #expect(!configuration.tiesEmbeddings)
    #expect(!configuration.hasAttentionBias)
    #expect(!configuration.hasMLPBias)
  }

  static let llama3 = #""factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0"#
  static let spellings: [(fields: [String: String?], theta: Float, scaling: RotaryScaling)] = [
    (["rope_scaling": #"{"type":"linear","factor":2.0}"#], 10_000, .linear(factor: 2)),
    (["rope_scaling": #"{"rope_type":"linear","factor":4}"#], 10_000, .linear(factor: 4)),
    (["rope_scaling": #"{"rope_type":"default"}"#, "rope_theta": "7"], 7, .unscaled),
    (
      ["rope_scaling": #"{"rope_type":"linear","type":"dynamic","factor":2}"#], 10_000,
      .linear(factor: 2)
    ),
    (
      ["rope_scaling": #"{"rope_type":"llama3","original_max_position_embeddings":64,\#(llama3)}"#],
      10_000,
      .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64)
    ),
    (
      [
        "rope_scaling": #"{"rope_type":"llama3","original_max_position_embeddings":64,\#(llama3)}"#,
        "original_max_position_embeddings": "64",
      ], 10_000,
      .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64)
    ),
    (["rope_parameters": #"{"rope_type":"default","rope_theta":5e5}"#], 500_000, .unscaled),
    (["rope_parameters": #"{"rope_theta":5e5}"#, "rope_theta": nil], 500_000, .unscaled),
    (["rope_parameters": "{}"], 10_000, .unscaled),
    (["rope_parameters": #"{"type":"linear","factor":2}"#], 10_000, .linear(factor: 2)),
    (
      ["rope_parameters": #"{"rope_theta":5,"partial_rotary_factor":1.0}"#, "rope_theta": "6"], 5,
      .unscaled
    ),
    (["partial_rotary_factor": "1.0"], 10_000, .unscaled),
  ]

  @Test("it has the rotary settings of either spelling", arguments: spellings.indices)
  func rotarySettings(index: Int) throws {
    let spelling = Self.spellings[index]
    let configuration = try LlamaConfiguration.tiny(spelling.fields)
    #expect(configuration.ropeTheta == spelling.theta)
    #expect(configuration.ropeScaling == spelling.scaling)
  }

  @Test("it may call its activation swish, and hold what changes nothing here")
  func otherFields() throws {
    let configuration = try LlamaConfiguration.tiny([
      "hidden_act": #""swish""#, "torch_dtype": #""float16""#, "pretraining_tp": "4",
      "attention_dropout": "0.1", "unsloth_version": #""2025.1""#, "use_cache": "true",
    ])
    #expect(try configuration == LlamaConfiguration.tiny())
  }

  @Test("it knows the shape of every linear module")
  func shapes() throws {
    let configuration = try LlamaConfiguration.tiny(["head_dim": "6", "mlp_bias": "true"])
    let shapes = LinearModule.allCases.map { module in
      [configuration.shape(of: module).outFeatures, configuration.shape(of: module).inFeatures]
    }
    #expect(shapes == [[24, 8], [12, 8], [12, 8], [8, 24], [12, 8], [12, 8], [8, 12]])
    let biases = LinearModule.allCases.map { configuration.hasBias($0) }
    #expect(biases == [false, false, false, false, true, true, true])
  }
}
