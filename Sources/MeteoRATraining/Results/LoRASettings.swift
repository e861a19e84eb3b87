import MeteoRA
import MeteoRASafetensors

/// What a new LoRA adapter is: the content of its `adapter_config.json`.
package struct LoRASettings: Sendable {
  /// `r` and `lora_alpha` where no pattern says otherwise.
  package var rank: Int
  package var alpha: Double
  /// Scale by `alpha / √r` instead of `alpha / r`.
  package var usesRankStabilization: Bool
  package var dropout: Double
  package var targetModules: LoRAConfiguration.Modules
  /// By patterns for the ends of modules' paths.
  package var rankPattern: [(key: String, rank: Int)]
  package var alphaPattern: [(key: String, alpha: Double)]
  /// Only these layers; `nil` for all.
  package var layersToTransform: [Int]?
  /// What may stand before a layer's number in a path; empty for anything.
  package var layersPattern: [String]
  /// `base_model_name_or_path`, which only PEFT looks at.
  package var baseModel: String?

  package init(
    rank: Int, alpha: Double, targetModules: LoRAConfiguration.Modules,
    usesRankStabilization: Bool = false, dropout: Double = 0,
    rankPattern: [(key: String, rank: Int)] = [], alphaPattern: [(key: String, alpha: Double)] = [],
    layersToTransform: [Int]? = nil, layersPattern: [String] = [], baseModel: String? = nil
  ) {
    self.rank = rank
    self.alpha = alpha
    self.targetModules = targetModules
    self.usesRankStabilization = usesRankStabilization
    self.dropout = dropout
    self.rankPattern = rankPattern
    self.alphaPattern = alphaPattern
    self.layersToTransform = layersToTransform
    self.layersPattern = layersPattern
    self.baseModel = baseModel
  }

  /// The `adapter_config.json` with the fields of PEFT 0.10, which later releases read too.
  package var fileContent: [UInt8] {
    let modules: JSONOutput =
      switch targetModules {
      case .names(let names): .array(names.map { .string($0) })
      case .expression(let text): .string(text)
      case .allLinear: .string("all-linear")
      }
    return JSONOutput.object([
      ("alpha_pattern", .object(alphaPattern.map { ($0.key, Self.number($0.alpha)) })),
      ("auto_mapping", .null),
      ("base_model_name_or_path", baseModel.map { .string($0) } ?? .null),
      ("bias", .string("none")),
      ("fan_in_fan_out", .bool(false)),
      ("inference_mode", .bool(true)),
      ("init_lora_weights", .bool(true)),
      (
        "layers_pattern",
        layersPattern.isEmpty ? .null : .array(layersPattern.map { .string($0) })
      ),
      ("layers_to_transform", layersToTransform.map { .array($0.map { .integer($0) }) } ?? .null),
      ("loftq_config", .object([])),
      ("lora_alpha", Self.number(alpha)),
      ("lora_dropout", .number(dropout)),
      ("megatron_config", .null),
      ("megatron_core", .string("megatron.core")),
      ("modules_to_save", .null),
      ("peft_type", .string("LORA")),
      ("r", .integer(rank)),
      ("rank_pattern", .object(rankPattern.map { ($0.key, .integer($0.rank)) })),
      ("revision", .null),
      ("target_modules", modules),
      ("task_type", .string("CAUSAL_LM")),
      ("use_dora", .bool(false)),
      ("use_rslora", .bool(usesRankStabilization)),
    ]).page
  }

  /// Which modules the adapter changes, and how, as it will be read from the file.
  ///
  /// - Throws: ``MeteoRAError`` if the settings contradict each other or are out of range.
  package func configuration() throws(MeteoRAError) -> LoRAConfiguration {
    let name = PEFTAdapter.configurationFile
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONDocument(bytes: fileContent, source: name).root
    } catch {
      throw .json(error)
    }
    return try LoRAConfiguration(root, file: name)
  }

  /// PEFT says that alpha is an integer.
  private static func number(_ value: Double) -> JSONOutput {
    Int(exactly: value).map { .integer($0) } ?? .number(value)
  }
}
