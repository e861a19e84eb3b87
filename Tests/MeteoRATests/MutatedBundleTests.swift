import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRATestSupport
import Testing

@Suite("Bundles with random damage")
struct MutatedBundleTests {
  @Test(
    "it ends in an error of one line, or in a model that runs, for each of 6000",
    arguments: [
      ("meteora.json", 1500), ("adapters/second/adapter_config.json", 2500),
      ("adapters/third/adapter_model.safetensors", 1000), ("gates.safetensors", 1000),
    ])
  func survives(file: String, count: Int) throws {
    var bundle = TinyBundle()
    bundle.adapters[1].fields["rank_pattern"] = #"{"q_proj":3,".*\\.1\\.mlp\\.\\w+":3}"#
    bundle.adapters[1].fields["alpha_pattern"] = #"{"v_(proj|x)":7}"#
    bundle.adapters[1].fields["exclude_modules"] = #"".*\\.k_proj|(?!model).*""#
    bundle.adapters[1].fields["layers_to_transform"] = "[0,1]"
    bundle.adapters[1].fields["layers_pattern"] = #"["h","layers"]"#
    let folder = try bundle.folder()
    let original = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent(file)))
    let damage = DamagedFile(original, isSafetensors: file.hasSuffix(".safetensors"))
    var random = SeededRandom(seed: UInt64(count))
    var (loads, refusals) = (0, 0)
    for _ in 0..<count {
      try folder.write(damage.damaged(by: &random), to: file)
      do {
        let model = try MeteoRAModel(contentsOf: folder.url, parallelism: .serial)
        loads += 1
        #expect(try model.logits(of: [1, 2, 3]).count == 33)
      } catch {
        refusals += 1
        #expect(!error.description.contains("\n") && error.description.utf8.count < 4000)
      }
    }
    #expect(loads > count / 50)
    #expect(refusals > count / 5)
  }
}
