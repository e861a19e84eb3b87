import Foundation
import MeteoRASafetensors

/// A Llama of two layers and a few dozen weights, written to a folder piece by piece, so that a
/// test can change any piece of it.
package struct TinyModel {
  /// Fields of `config.json`, as JSON text.
  package var fields: [String: String] = [
    "model_type": #""llama""#, "architectures": #"["LlamaForCausalLM"]"#, "hidden_act": #""silu""#,
    "vocab_size": "11", "hidden_size": "8", "intermediate_size": "12", "num_hidden_layers": "2",
    "num_attention_heads": "4", "num_key_value_heads": "2", "max_position_embeddings": "640",
    "rms_norm_eps": "1e-05", "rope_theta": "10000.0", "tie_word_embeddings": "false",
    "eos_token_id": "2",
  ]
  /// By name.
  package var tensors: [String: Tensor] = [:]

  /// A tensor to be written.
  package struct Tensor {
    package var dtype: SafetensorsDType
    package var shape: [Int]
    package var bytes: [UInt8]

    /// Zeros.
    package init(_ dtype: SafetensorsDType, _ shape: [Int]) {
      self.dtype = dtype
      self.shape = shape
      bytes = [UInt8](repeating: 0, count: shape.reduce(1, *) * dtype.byteCount)
    }

    package init(_ values: [Float], _ shape: [Int]) {
      dtype = .f32
      self.shape = shape
      bytes = values.flatMap { value in
        withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
      }
    }
  }

  package init() {
    var random = SeededRandom(seed: 1)
    func add(_ name: String, _ shape: Int...) {
      let count = shape.reduce(1, *)
      tensors[name] = Tensor((0..<count).map { _ in random.weight() }, shape)
    }
    add("model.embed_tokens.weight", 11, 8)
    for layer in 0..<2 {
      let path = "model.layers.\(layer)"
      add("\(path).input_layernorm.weight", 8)
      add("\(path).self_attn.q_proj.weight", 8, 8)
      add("\(path).self_attn.k_proj.weight", 4, 8)
      add("\(path).self_attn.v_proj.weight", 4, 8)
      add("\(path).self_attn.o_proj.weight", 8, 8)
      add("\(path).post_attention_layernorm.weight", 8)
      add("\(path).mlp.gate_proj.weight", 12, 8)
      add("\(path).mlp.up_proj.weight", 12, 8)
      add("\(path).mlp.down_proj.weight", 8, 12)
    }
    add("model.norm.weight", 8)
    add("lm_head.weight", 11, 8)
  }

  /// The same with one matrix for embedding and head.
  package var tied: TinyModel {
    var model = self
    model.fields["tie_word_embeddings"] = "true"
    model.tensors["lm_head.weight"] = nil
    return model
  }

  /// The same with biases in all linear modules.
  package var biased: TinyModel {
    var model = self
    model.fields["attention_bias"] = "true"
    model.fields["mlp_bias"] = "true"
    var random = SeededRandom(seed: 2)
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where name.contains("_proj.") {
      let values = (0..<tensor.shape[0]).map { _ in random.weight() }
      model.tensors[name.replacingOccurrences(of: ".weight", with: ".bias")] =
        Tensor(values, [values.count])
    }
    return model
  }

  /// `config.json`.
  package var configuration: String {
    "{"
      + fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
      .joined(separator: ",\n ") + "}"
  }

  /// `model.safetensors`, of all tensors or of some.
  package func weights(where isIncluded: (String) -> Bool = { _ in true }) throws -> [UInt8] {
    try Self.safetensors(tensors.filter { isIncluded($0.key) })
  }

  /// A safetensors file of these tensors.
  package static func safetensors(_ tensors: [String: Tensor]) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("w.safetensors")
    let writer = try SafetensorsWriter(
      to: url, tensors: tensors.map { .init($0.key, $0.value.dtype, $0.value.shape) })
    for (name, tensor) in tensors {
      try tensor.bytes.withUnsafeBytes { try writer.append(bytes: $0, to: name) }
    }
    try writer.finish()
    return [UInt8](try Data(contentsOf: url))
  }

  /// Writes configuration and weights.
  package func write(to folder: TemporaryFolder, at path: String = "") throws {
    try folder.write(configuration, to: path + "config.json")
    try folder.write(weights(), to: path + "model.safetensors")
  }

  /// A folder of its own that holds the model.
  package func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try write(to: folder)
    return folder
  }
}
