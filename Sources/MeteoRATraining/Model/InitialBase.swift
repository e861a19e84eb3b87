import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

extension LlamaModel {
  /// A model that learnt nothing yet: matrices are normal with mean 0 and the deviation
  /// `initializer_range`, the weights of norms 1, biases 0, as Transformers begins.
  ///
  /// - Parameters:
  ///   - folder: Holds `config.json`; `generation_config.json` may be there.
  ///   - seed: Chooses the random numbers.
  /// - Throws: ``MeteoRAError`` if the configuration cannot be taken, or training would need more
  ///   memory than the machine has.
  package convenience init(
    beginning folder: URL, seed: UInt64
  ) throws(MeteoRAError) {
    let file = folder.appendingPathComponent(BaseFolder.configuration)
    let configuration: LlamaConfiguration
    let specialTokens: SpecialTokens
    do throws(LlamaError) {
      configuration = try LlamaConfiguration(contentsOf: file)
      specialTokens = try SpecialTokens(folder: folder)
      try configuration.requireTrainable()
    } catch {
      throw .llama(error)
    }
    let weights = InitialMatrices(
      weights: InitialWeights(seed: seed), deviation: try Self.initializerRange(file))
    do throws(KernelError) {
      let (vocabulary, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
      let embedding = try weights.matrix("model.embed_tokens.weight", vocabulary, hidden)
      var layers: [LlamaLayer] = []
      for layer in 0..<configuration.layerCount {
        layers.append(try weights.layer(layer, of: configuration))
      }
      try self.init(
        configuration: configuration, specialTokens: specialTokens, layers: layers,
        embedding: embedding, finalNorm: [Float](repeating: 1, count: hidden),
        head: configuration.tiesEmbeddings
          ? embedding : weights.matrix("lm_head.weight", vocabulary, hidden),
        rotary: RotaryEmbedding(
          headDimension: configuration.headDimension, theta: configuration.ropeTheta,
          scaling: configuration.ropeScaling))
    } catch {
      throw .kernel(context: file.path, error)
    }
  }

  /// `initializer_range`, 0.02 if it is left out.
  private static func initializerRange(_ file: URL) throws(MeteoRAError) -> Float {
    do throws(JSONError) {
      guard let field = try JSONDocument(contentsOf: file).root.optional("initializer_range") else {
        return 0.02
      }
      let value = try field.doubleValue()
      guard value > 0, value <= 1 else {
        throw field.mismatch(expected: "a number above 0 and at most 1")
      }
      return Float(value)
    } catch {
      throw .json(error)
    }
  }
}

extension LlamaConfiguration {
  /// Throws if the machine cannot hold all weights while they are trained.
  fileprivate func requireTrainable() throws(LlamaError) {
    // Values, gradients, two moments, and the values as the products read them.
    let floats = 5 * MemoryLayout<Float>.size
    var demand = MemoryDemand()
    for module in LinearModule.allCases {
      let shape = shape(of: module)
      // Sizes are below 2²⁸.
      demand.add(layerCount, times: floats * (shape.outFeatures + 1) * shape.inFeatures)
    }
    demand.add(vocabularySize * (tiesEmbeddings ? 1 : 2), times: floats * hiddenSize)
    try demand.require(for: "training all weights of such a model")
  }
}

/// Makes matrices of random numbers by their names.
private struct InitialMatrices {
  let weights: InitialWeights
  let deviation: Float

  func matrix(
    _ name: String, _ outFeatures: Int, _ inFeatures: Int
  ) throws(KernelError) -> WeightMatrix {
    try WeightMatrix(
      weights.normal(name, count: outFeatures * inFeatures, deviation: deviation),
      outFeatures: outFeatures, inFeatures: inFeatures)
  }

  func layer(_ index: Int, of configuration: LlamaConfiguration) throws(KernelError) -> LlamaLayer {
    var linears: [LlamaLinear] = []
    for module in LinearModule.allCases {
      let shape = configuration.shape(of: module)
      linears.append(
        LlamaLinear(
          weights: try matrix(
            "\(module.path(layer: index)).weight", shape.outFeatures, shape.inFeatures),
          bias: configuration.hasBias(module)
            ? [Float](repeating: 0, count: shape.outFeatures) : nil))
    }
    let ones = [Float](repeating: 1, count: configuration.hiddenSize)
    return LlamaLayer(inputNorm: ones, postAttentionNorm: ones, linears: linears)
  }
}
