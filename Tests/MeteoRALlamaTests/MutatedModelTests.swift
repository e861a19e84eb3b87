import Foundation
import MeteoRALlama
import MeteoRATestSupport
import Testing

@Suite("Model folders with random damage")
struct MutatedModelTests {
  @Test(
    "it ends in an error of one line, or in a model of the shape that it says, for each of 8000",
    arguments: [
      ("config.json", 2000), ("generation_config.json", 2000),
      ("model.safetensors.index.json", 2000), ("model-1.safetensors", 2000),
    ])
  func survives(file: String, count: Int) throws {
    let model = TinyModel()
    let folder = try TemporaryFolder()
    try folder.write(model.configuration, to: "config.json")
    try folder.write(
      #"{"bos_token_id":1,"eos_token_id":[2,3],"pad_token_id":-1}"#, to: "generation_config.json")
    try folder.write(model.weights { $0.contains("mlp") }, to: "model-1.safetensors")
    try folder.write(model.weights { !$0.contains("mlp") }, to: "model-2.safetensors")
    let map = model.tensors.keys.sorted().map {
      "\"\($0)\":\"model-\($0.contains("mlp") ? 1 : 2).safetensors\""
    }
    try folder.write(
      "{\"weight_map\":{\(map.joined(separator: ","))}}", to: "model.safetensors.index.json")
    let whole = try LlamaModel(folder: folder.url).logits(of: [1, 2, 3])
    let outcome = try DamagedFile.load(file, of: folder, damaged: count, seed: count) {
      let model = try LlamaModel(folder: folder.url)
      expectShapes(of: model)
      try expectRun(of: model)
      // Neither file holds a number of the model: what loads is the model itself.
      if file == "generation_config.json" || file == "model.safetensors.index.json" {
        #expect(firstDifference(try model.logits(of: [1, 2, 3]), whole) == nil)
      }
    }
    #expect(outcome.badMessages.isEmpty)
    #expect(outcome.loads > 0)
    #expect(outcome.refusals > count / 5)
  }

  /// The weights are those that the configuration describes.
  private func expectShapes(of model: LlamaModel) {
    let configuration = model.configuration
    let (vocabulary, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
    for matrix in [model.embedding, model.head] {
      #expect(matrix.outFeatures == vocabulary && matrix.inFeatures == hidden)
    }
    #expect(model.layers.count == configuration.layerCount && model.finalNorm.count == hidden)
    for layer in model.layers {
      #expect(layer.inputNorm.count == hidden && layer.postAttentionNorm.count == hidden)
      for module in LinearModule.allCases {
        let (weights, shape) = (layer[module].weights, configuration.shape(of: module))
        #expect(weights.outFeatures == shape.outFeatures && weights.inFeatures == shape.inFeatures)
        #expect((layer[module].bias?.count ?? shape.outFeatures) == shape.outFeatures)
      }
    }
  }

  /// It continues a prompt, or says why not.
  private func expectRun(of model: LlamaModel) throws(LlamaError) {
    var options = GenerationOptions()
    options.maximumNewTokens = 2
    let results: [GenerationResult]
    do throws(LlamaError) {
      results = try model.generate([[1, 2, 3]], options: options)
    } catch .notANumber {
      // A damaged weight can be NaN, or so large that NaN comes of it.
      return
    } catch .promptTooLong {
      #expect(model.configuration.maximumPositions < 3)
      return
    }
    #expect(results.count == 1)
    for result in results {
      let room = min(model.configuration.maximumPositions - 3, 2)
      #expect(result.newTokens.count <= room)
      #expect(result.newTokens.allSatisfy { $0 >= 0 && $0 < model.configuration.vocabularySize })
      let endsByID =
        result.newTokens.last.map(model.specialTokens.endOfSequence.contains) ?? false
      switch result.finishReason {
      case .endOfSequence: #expect(endsByID)
      case .length: #expect(result.newTokens.count == room && !endsByID)
      case .cancelled, .stopString: Issue.record("stopped by nobody")
      }
    }
  }
}
