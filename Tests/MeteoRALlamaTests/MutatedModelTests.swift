import Foundation
import MeteoRALlama
import MeteoRATestSupport
import Testing

@Suite("Model folders with random damage")
struct MutatedModelTests {
  @Test(
    "it ends in an error of one line, or in a model that runs, for each of 4000",
    arguments: [
      ("config.json", 1600), ("generation_config.json", 400), ("model.safetensors.index.json", 800),
      ("model-1.safetensors", 1200),
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
    let original = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent(file)))
    let damage = DamagedFile(original, isSafetensors: file.hasSuffix(".safetensors"))
    var random = SeededRandom(seed: UInt64(count))
    var (loads, refusals) = (0, 0)
    for _ in 0..<count {
      try folder.write(damage.damaged(by: &random), to: file)
      do {
        let model = try LlamaModel(folder: folder.url)
        loads += 1
        var options = GenerationOptions()
        options.maximumNewTokens = 2
        _ = try? model.generate([[1, 2, 3]], options: options)
      } catch {
        refusals += 1
        #expect(!error.description.contains("\n") && error.description.utf8.count < 4000)
      }
    }
    #expect(loads > 0)
    #expect(refusals > count / 5)
  }
}
