import Foundation
import MeteoRAKernels
import MeteoRASafetensors

extension LlamaModel {
  /// Loads a Hugging Face folder: `config.json`, `generation_config.json` if it is there, and
  /// `model.safetensors` or `model.safetensors.index.json` with its shards.
  ///
  /// Weights may be F32, BF16 or F16 and stay at that width. Each tensor is read once, into the
  /// layout of the products; the files are not needed afterwards.
  ///
  /// - Parameters:
  ///   - folder: The model's folder.
  ///   - parallelism: Threads for packing.
  /// - Throws: ``LlamaError`` if a file cannot be read, the configuration is not supported, or a
  ///   tensor is missing, left over, or of another shape or type than the configuration asks for.
  public convenience init(
    folder: URL, parallelism: Parallelism = .serial
  ) throws(LlamaError) {
    try self.init(folder: folder, parallelism: parallelism, shouldStop: { false })
  }

  /// - Parameters:
  ///   - memory: Where the matrices are put.
  ///   - shouldStop: Asked before every tensor; `true` ends the loading.
  /// - Throws: ``LlamaError``; ``LlamaError/cancelled(path:)`` if `shouldStop` said so.
  package convenience init(
    folder: URL, parallelism: Parallelism, memory: WeightMemory = WeightMemory(),
    shouldStop: @escaping () -> Bool
  ) throws(LlamaError) {
    let configuration = try LlamaConfiguration(
      contentsOf: folder.appendingPathComponent("config.json"))
    let specialTokens = try SpecialTokens(folder: folder)
    let checkpoint = try Self.weights(in: folder)
    try self.init(
      configuration: configuration, specialTokens: specialTokens, checkpoint: checkpoint,
      parallelism: parallelism, memory: memory, shouldStop: shouldStop)
  }

  convenience init(
    configuration: LlamaConfiguration, specialTokens: SpecialTokens,
    checkpoint: any SafetensorsSource, parallelism: Parallelism,
    memory: WeightMemory = WeightMemory(), shouldStop: @escaping () -> Bool = { false }
  ) throws(LlamaError) {
    var reader = WeightReader(
      checkpoint, parallelism: parallelism, memory: memory, shouldStop: shouldStop)
    let (vocabulary, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
    let embedding = try reader.matrix(
      "model.embed_tokens.weight", outFeatures: vocabulary, inFeatures: hidden)
    var layers: [LlamaLayer] = []
    for layer in 0..<configuration.layerCount {
      layers.append(try LlamaLayer(layer, of: configuration, from: &reader))
    }
    let finalNorm = try reader.vector("model.norm.weight", count: hidden)
    let head: WeightMatrix
    if configuration.tiesEmbeddings {
      head = embedding
      try Self.requireEqualHead(&reader, checkpoint: checkpoint.location)
    } else {
      head = try reader.matrix("lm_head.weight", outFeatures: vocabulary, inFeatures: hidden)
    }
    try reader.requireNothingElse(except: Self.isDerived)

    let rotary: RotaryEmbedding
    do throws(KernelError) {
      rotary = try RotaryEmbedding(
        headDimension: configuration.headDimension, theta: configuration.ropeTheta,
        scaling: configuration.ropeScaling)
    } catch {
      throw .kernel(context: checkpoint.location, error)
    }
    self.init(
      configuration: configuration, specialTokens: specialTokens, layers: layers,
      embedding: embedding, finalNorm: finalNorm, head: head, rotary: rotary)
  }

  /// Opens the weights of a folder.
  ///
  /// - Throws: ``LlamaError/safetensors(_:)``, or
  ///   ``LlamaError/unsupported(file:field:found:supported:)`` if there are weights of another
  ///   format alone.
  package static func weights(in folder: URL) throws(LlamaError) -> SafetensorsCheckpoint {
    do throws(SafetensorsError) {
      return try SafetensorsCheckpoint(folder: folder)
    } catch .noWeights {
      throw noWeights(in: folder)
    } catch {
      throw .safetensors(error)
    }
  }

  /// Tells a folder with weights of another format from one without any.
  private static func noWeights(in folder: URL) -> LlamaError {
    for name in ["pytorch_model.bin", "pytorch_model.bin.index.json"]
    where FileStatus.isThere(folder.appendingPathComponent(name)) {
      return .unsupported(
        file: folder.path, field: "the weights' file", found: name,
        supported: "model.safetensors, model.safetensors.index.json")
    }
    return .safetensors(.noWeights(folder: folder.path))
  }

  /// A tied model may hold its head beside the embedding, if the two are the same.
  private static func requireEqualHead(
    _ reader: inout WeightReader, checkpoint: String
  ) throws(LlamaError) {
    guard let head = reader.tensorIfPresent("lm_head.weight"),
      let embedding = reader.tensorIfPresent("model.embed_tokens.weight")
    else { return }
    let isIdentical: Bool
    do throws(SafetensorsError) {
      isIdentical = try head.isIdentical(to: embedding)
    } catch {
      throw .safetensors(error)
    }
    guard isIdentical else { throw .tiedHeadDiffers(file: checkpoint) }
  }

  /// Whether a tensor only repeats what the configuration says: Llama 2 checkpoints of old hold the
  /// rotary frequencies.
  package static func isDerived(_ tensor: String) -> Bool {
    let suffix = ".self_attn.rotary_emb.inv_freq".utf8
    return tensor.utf8.suffix(suffix.count).elementsEqual(suffix)
  }
}

extension LlamaLayer {
  fileprivate init(
    _ layer: Int, of configuration: LlamaConfiguration, from reader: inout WeightReader
  ) throws(LlamaError) {
    var linears: [LlamaLinear] = []
    for module in LinearModule.allCases {
      let shape = configuration.shape(of: module)
      let path = module.path(layer: layer)
      let weights = try reader.matrix(
        "\(path).weight", outFeatures: shape.outFeatures, inFeatures: shape.inFeatures)
      let bias =
        configuration.hasBias(module)
        ? try reader.vector("\(path).bias", count: shape.outFeatures) : nil
      linears.append(LlamaLinear(weights: weights, bias: bias))
    }
    let hidden = configuration.hiddenSize
    self.init(
      inputNorm: try reader.vector(
        "model.layers.\(layer).input_layernorm.weight", count: hidden),
      postAttentionNorm: try reader.vector(
        "model.layers.\(layer).post_attention_layernorm.weight", count: hidden),
      linears: linears)
  }
}
