import Foundation
import MeteoRAKernels
import MeteoRASafetensors

extension LlamaConfiguration {
  /// Reads a `config.json`, in the spelling of Transformers 4 (`rope_theta`, `rope_scaling`) or 5
  /// (`rope_parameters`).
  ///
  /// Fields that Llama configurations of some version leave out take the value that Transformers
  /// gives them: `num_key_value_heads` = `num_attention_heads`, `head_dim` = `hidden_size` /
  /// `num_attention_heads`, `rope_theta` = 10000, `max_position_embeddings` = 2048, no biases,
  /// untied embeddings. `pretraining_tp` is not looked at: it cuts sums into parts, and their order
  /// is this package's own.
  ///
  /// - Parameter url: The file.
  /// - Throws: ``LlamaError``: the file cannot be read, is no JSON, lacks a field, holds a value
  ///   out of range, or asks for something that is not supported (another architecture or
  ///   activation, a rope type other than default, linear and llama3, rotary embedding of a part
  ///   of the head, sliding windows, quantised weights, an odd head dimension).
  public init(contentsOf url: URL) throws(LlamaError) {
    let document = try ConfigurationFile(contentsOf: url)
    do {
      self = try Self.read(document.root, file: url.path)
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as LlamaError {
      throw error
    } catch {
      throw .unreadable(path: url.path, reason: "\(error)")
    }
  }

  private static func read(_ root: JSONValue, file: String) throws -> LlamaConfiguration {
    let reader = FieldReader(object: root, file: file)
    try reader.refuseOtherArchitectures()
    let hidden = try reader.size("hidden_size")
    let heads = try reader.size("num_attention_heads")
    let keyValueHeads = try reader.optionalSize("num_key_value_heads") ?? heads
    guard heads % keyValueHeads == 0 else {
      throw LlamaError.invalid(
        file: file, field: "num_key_value_heads", found: "\(keyValueHeads)",
        expected: "a divisor of num_attention_heads (\(heads))")
    }
    let explicitHeadDimension = try reader.optionalSize("head_dim")
    guard explicitHeadDimension != nil || hidden % heads == 0 else {
      throw LlamaError.invalid(
        file: file, field: "hidden_size", found: "\(hidden)",
        expected: "a multiple of num_attention_heads (\(heads)), as head_dim is not given")
    }
    let headDimension = explicitHeadDimension ?? hidden / heads
    guard headDimension % 2 == 0 else {
      throw LlamaError.unsupported(
        file: file, field: "head_dim", found: "\(headDimension)", supported: "even numbers")
    }
    let rope = try reader.rope()
    let epsilon = Float(try root.required("rms_norm_eps").doubleValue())
    guard epsilon.isFinite, epsilon >= 0 else {
      throw LlamaError.invalid(
        file: file, field: "rms_norm_eps", found: "\(epsilon)", expected: "finite, not negative")
    }
    let configuration = LlamaConfiguration(
      vocabularySize: try reader.size("vocab_size"), hiddenSize: hidden,
      intermediateSize: try reader.size("intermediate_size"),
      layerCount: try reader.size("num_hidden_layers"), attentionHeads: heads,
      keyValueHeads: keyValueHeads, headDimension: headDimension, normEpsilon: epsilon,
      maximumPositions: try reader.optionalSize("max_position_embeddings") ?? 2048,
      ropeTheta: rope.theta, ropeScaling: rope.scaling,
      tiesEmbeddings: try root.optional("tie_word_embeddings")?.boolValue() ?? false,
      hasAttentionBias: try root.optional("attention_bias")?.boolValue() ?? false,
      hasMLPBias: try root.optional("mlp_bias")?.boolValue() ?? false)
    do throws(KernelError) {
      // The settings are checked with the smallest head: frequencies for a head of the size that the
      // file claims would take its memory before any tensor has confirmed it.
      _ = try RotaryEmbedding(headDimension: 2, theta: rope.theta, scaling: rope.scaling)
    } catch {
      throw LlamaError.kernel(context: file, error)
    }
    return configuration
  }
}

/// Fields of `config.json`, with the file's name for messages.
private struct FieldReader {
  let object: JSONValue
  let file: String

  /// Sizes beyond this are no model's: products of two stay far from overflow.
  static let largestSize = 1 << 28

  func size(_ field: String) throws -> Int {
    try object.required(field).integerValue(in: 1...Self.largestSize)
  }

  func optionalSize(_ field: String) throws -> Int? {
    try object.optional(field)?.integerValue(in: 1...Self.largestSize)
  }

  func refuseOtherArchitectures() throws {
    try require("model_type", ["llama"])
    if let architectures = try object.optional("architectures") {
      for architecture in try architectures.elementsValue() {
        let name = try architecture.stringValue()
        guard architecture.equals("LlamaForCausalLM") else {
          throw LlamaError.unsupported(
            file: file, field: "architectures", found: name, supported: "LlamaForCausalLM")
        }
      }
    }
    if try object.optional("hidden_act") != nil { try require("hidden_act", ["silu", "swish"]) }
    for field in ["quantization_config", "sliding_window"] {
      if let value = try object.optional(field) {
        throw LlamaError.unsupported(
          file: file, field: field, found: value.summary, supported: "no such field")
      }
    }
  }

  func require(_ field: String, _ allowed: [String]) throws {
    let value = try object.required(field)
    let found = try value.stringValue()
    guard allowed.contains(where: value.equals) else {
      throw LlamaError.unsupported(
        file: file, field: field, found: found, supported: allowed.joined(separator: ", "))
    }
  }

  /// The rotary settings, from `rope_parameters` if it is there, else from `rope_theta` and
  /// `rope_scaling`.
  func rope() throws -> (theta: Float, scaling: RotaryScaling) {
    let parameters = try object.optional("rope_parameters")
    let scaling = try object.optional("rope_scaling")
    if parameters != nil, scaling != nil {
      // The same settings in two places: Transformers would drop one of them without a word.
      throw LlamaError.invalid(
        file: file, field: "rope_scaling", found: "given beside rope_parameters",
        expected: "one of the two")
    }
    let settings = parameters ?? scaling
    try requireWholeHead(object)
    let theta = try parameters?.optional("rope_theta") ?? object.optional("rope_theta")
    let base = try theta.map { Float(try $0.doubleValue()) } ?? 10000
    guard let settings else { return (base, .none) }
    try requireWholeHead(settings)
    let field = parameters == nil ? "rope_scaling" : "rope_parameters"
    guard let type = try settings.optional("rope_type") ?? settings.optional("type") else {
      if parameters != nil { return (base, .none) }
      throw LlamaError.invalid(
        file: file, field: field, found: "no rope_type", expected: "a field rope_type or type")
    }
    func number(_ name: String) throws -> Float {
      Float(try settings.required(name).doubleValue())
    }
    if type.equals("default") { return (base, .none) }
    if type.equals("linear") { return (base, .linear(factor: try number("factor"))) }
    if type.equals("llama3") {
      let original = try number("original_max_position_embeddings")
      try requireSameContext(original)
      return (
        base,
        .llama3(
          factor: try number("factor"), lowFrequencyFactor: try number("low_freq_factor"),
          highFrequencyFactor: try number("high_freq_factor"), originalContext: original)
      )
    }
    throw LlamaError.unsupported(
      file: file, field: "\(field).rope_type", found: try type.stringValue(),
      supported: "default, linear, llama3")
  }

  /// Throws if only a part of every head is rotated, which both versions of Transformers would do.
  private func requireWholeHead(_ settings: JSONValue) throws {
    if let factor = try settings.optional("partial_rotary_factor")?.doubleValue(), factor != 1 {
      throw LlamaError.unsupported(
        file: file, field: "partial_rotary_factor", found: "\(factor)", supported: "1")
    }
  }

  /// Throws if the configuration has another original context outside the rotary settings:
  /// Transformers 5 would take that one, Transformers 4 the one inside.
  private func requireSameContext(_ original: Float) throws {
    let field = "original_max_position_embeddings"
    if let outer = try object.optional(field)?.doubleValue(), Float(outer) != original {
      throw LlamaError.invalid(
        file: file, field: field, found: "\(outer)",
        expected: "\(original), as in the rotary settings")
    }
  }
}

extension JSONValue {
  /// A few words of a value, for a message.
  fileprivate var summary: String {
    switch kind {
    case .object: "an object"
    case .array: "an array"
    default: string ?? numberText ?? bool.map { "\($0)" } ?? "null"
    }
  }
}
