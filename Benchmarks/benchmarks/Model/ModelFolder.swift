import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// A model with random weights on disk, written once and kept for later runs and for peers.
///
///     {temporary}/meteora-benchmarks-1/small-f32/           config.json, model.safetensors
///     {temporary}/meteora-benchmarks-1/small-f32-adapters/  a00 … a27, gates.safetensors
struct ModelFolder {
  let modelCase: ModelCase

  /// The number grows when what is written changes.
  static let cache = FileManager.default.temporaryDirectory
    .appendingPathComponent("meteora-benchmarks-1", isDirectory: true)

  private var base: URL {
    Self.cache.appendingPathComponent("\(modelCase.shape.name)-\(modelCase.format.label)")
  }

  private var adapters: URL {
    Self.cache.appendingPathComponent("\(modelCase.shape.name)-\(modelCase.format.label)-adapters")
  }

  var files: ModelFiles {
    guard modelCase.hasAdapters else { return ModelFiles(base: base) }
    return ModelFiles(
      base: base,
      adapters: (0..<ModelCase.adapterCount).map { index in
        let name = Self.adapterName(index)
        return .init(name: name, folder: adapters.appendingPathComponent(name))
      }, gates: .file(adapters.appendingPathComponent("gates.safetensors")),
      router: RouterConfiguration(topK: ModelCase.topK, temperature: 1))
  }

  /// Writes what is not there yet.
  ///
  /// - Throws: ``ModelFolderError/noRoom(name:needed:available:)``, and what writing throws.
  func prepare() throws {
    try FileManager.default.createDirectory(at: Self.cache, withIntermediateDirectories: true)
    let attributes = try FileManager.default.attributesOfFileSystem(forPath: Self.cache.path)
    let free = (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0
    if !exists(base), free < modelCase.weightBytes + 1 << 30 {
      throw ModelFolderError.noRoom(
        name: modelCase.name, needed: modelCase.weightBytes, available: free)
    }
    if !exists(base) {
      try writeBase()
    }
    if modelCase.hasAdapters, !exists(adapters) { try writeAdapters() }
  }

  /// The last file that is written.
  private func exists(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent("complete").path)
  }

  private func complete(_ folder: URL) throws {
    try Data().write(to: folder.appendingPathComponent("complete"))
  }

  // MARK: Base

  private func writeBase() throws {
    let shape = modelCase.shape
    Output.note("writing \(base.path)")
    try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
    try Data(configuration.utf8).write(to: base.appendingPathComponent("config.json"))
    var tensors = [
      RandomTensor("model.embed_tokens.weight", [shape.vocabularySize, shape.hiddenSize]),
      RandomTensor("lm_head.weight", [shape.vocabularySize, shape.hiddenSize]),
      RandomTensor("model.norm.weight", [shape.hiddenSize]),
    ]
    for layer in 0..<shape.layerCount {
      for norm in ["input_layernorm", "post_attention_layernorm"] {
        tensors.append(RandomTensor("model.layers.\(layer).\(norm).weight", [shape.hiddenSize]))
      }
      for module in LinearModule.allCases {
        let size = shape.size(of: module)
        tensors.append(
          RandomTensor("\(module.path(layer: layer)).weight", [size.outFeatures, size.inFeatures]))
      }
    }
    try RandomTensor.write(
      tensors, format: modelCase.format, to: base.appendingPathComponent("model.safetensors"))
    try complete(base)
  }

  private var configuration: String {
    let shape = modelCase.shape
    return """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
       "hidden_size": \(shape.hiddenSize), "num_hidden_layers": \(shape.layerCount),
       "num_attention_heads": \(shape.heads), "num_key_value_heads": \(shape.keyValueHeads),
       "intermediate_size": \(shape.intermediateSize), "vocab_size": \(shape.vocabularySize),
       "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
       "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2,
       "torch_dtype": "\(modelCase.format.rawValue)"}

      """
  }

  // MARK: Adapters and gates

  private static func adapterName(_ index: Int) -> String {
    "a" + (index < 10 ? "0" : "") + "\(index)"
  }

  private func writeAdapters() throws {
    Output.note("writing \(adapters.path)")
    var gates: [RandomTensor] = []
    for index in 0..<ModelCase.adapterCount {
      let folder = adapters.appendingPathComponent(Self.adapterName(index))
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(adapterConfiguration.utf8)
        .write(to: folder.appendingPathComponent("adapter_config.json"))
      var tensors: [RandomTensor] = []
      for layer in 0..<modelCase.shape.layerCount {
        for module in LinearModule.allCases {
          let size = modelCase.shape.size(of: module)
          let path = "base_model.model.\(module.path(layer: layer))"
          tensors.append(RandomTensor("\(path).lora_A.weight", [ModelCase.rank, size.inFeatures]))
          tensors.append(RandomTensor("\(path).lora_B.weight", [size.outFeatures, ModelCase.rank]))
          if index == 0 {
            gates.append(
              RandomTensor("\(path).moe_gate.weight", [ModelCase.adapterCount, size.inFeatures]))
          }
        }
      }
      try RandomTensor.write(
        tensors, format: modelCase.format, seed: UInt64(index + 1),
        to: folder.appendingPathComponent("adapter_model.safetensors"))
    }
    try RandomTensor.write(
      gates, format: modelCase.format, seed: 99,
      to: adapters.appendingPathComponent("gates.safetensors"))
    try complete(adapters)
  }

  private var adapterConfiguration: String {
    let modules = LinearModule.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    return """
      {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": \(ModelCase.rank), "lora_alpha": 2,
       "lora_dropout": 0.0, "bias": "none", "target_modules": [\(modules)]}

      """
  }
}

/// A reason why no model can be timed.
enum ModelFolderError: Error, CustomStringConvertible {
  case noRoom(name: String, needed: Int, available: Int)
  case noMemory(name: String, needed: Int, available: Int)
  case noSuchCase(String)

  var description: String {
    switch self {
    case .noRoom(let name, let needed, let available):
      "\(name) needs \(needed >> 20) MiB of disk in \(ModelFolder.cache.path), "
        + "which has \(available >> 20) MiB"
    case .noMemory(let name, let needed, let available):
      "\(name) needs \(needed >> 20) MiB of memory, \(available >> 20) MiB are available"
    case .noSuchCase(let name): "there is no model '\(name)'"
    }
  }
}
