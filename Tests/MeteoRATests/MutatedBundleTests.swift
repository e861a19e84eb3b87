import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRATestSupport
import Testing

@Suite("Bundles with random damage")
struct MutatedBundleTests {
  /// Files, and how often each is damaged: with the checkpoint 6000 times together, beside the 8000
  /// of a base alone in `MutatedModelTests.swift`.
  static let files = [
    ("meteora.json", 1200), ("base/config.json", 400), ("base/generation_config.json", 100),
    ("base/model.safetensors.index.json", 300), ("adapters/second/adapter_config.json", 2000),
    ("adapters/third/adapter_model.safetensors", 800), ("gates.safetensors", 600),
  ]

  @Test(
    "it ends in an error of one line, or in a model that runs, and inspection knows which",
    arguments: files)
  func survives(file: String, count: Int) throws {
    let folder = try Self.bundle().folder()
    try Self.cutIntoShards(folder)
    var disagreements: [String] = []
    let outcome = try DamagedFile.load(file, of: folder, damaged: count, seed: count) {
      let problems = BundleInspection(folder: folder.url).problems
      do {
        let model = try MeteoRAModel(contentsOf: folder.url, parallelism: .serial)
        if !problems.isEmpty { disagreements.append("it loads, but: \(problems)") }
        _ = try? model.logits(of: [1, 2, 3])
      } catch {
        if !problems.contains(where: { "\($0)" == "\(error)" }) {
          disagreements.append("inspection finds \(problems), but: \(error)")
        }
        throw error
      }
    }
    #expect(outcome.badMessages.isEmpty)
    #expect(disagreements.isEmpty)
    #expect(outcome.loads > 0)
    #expect(outcome.refusals > count / 5)
  }

  @Test("a published checkpoint ends in an error of one line, or in a model that runs, too")
  func checkpoint() throws {
    let bundle = Self.bundle()
    let folder = try bundle.folder()
    let name = "checkpoint.safetensors"
    let url = try folder.write(TinyModel.safetensors(bundle.checkpoint()), to: name)
    var files = try ModelFiles(folder: folder.url)
    files.gates = .checkpoint(url)
    let outcome = try DamagedFile.load(name, of: folder, damaged: 600, seed: 600) {
      _ = try? Inspection(contentsOf: url).problems
      let model = try MeteoRAModel(files: files, parallelism: .serial)
      #expect(try model.logits(of: [1, 2, 3]).count == 33)
    }
    #expect(outcome.badMessages.isEmpty)
    #expect(outcome.loads > 0)
    #expect(outcome.refusals > 120)
  }

  /// A bundle whose files say as much as they can.
  private static func bundle() -> TinyBundle {
    var bundle = TinyBundle()
    bundle.adapters[1].fields["rank_pattern"] = #"{"q_proj":3,".*\\.1\\.mlp\\.\\w+":3}"#
    bundle.adapters[1].fields["alpha_pattern"] = #"{"v_(proj|x)":7}"#
    bundle.adapters[1].fields["exclude_modules"] = #"".*\\.k_proj|(?!model).*""#
    bundle.adapters[1].fields["layers_to_transform"] = "[0,1]"
    bundle.adapters[1].fields["layers_pattern"] = #"["h","layers"]"#
    bundle.adapters[1].fields["peft_version"] = #""0.18.0""#
    bundle.base.fields["rope_scaling"] = #"{"rope_type":"linear","factor":2.0}"#
    return bundle
  }

  private static func cutIntoShards(_ folder: TemporaryFolder) throws {
    let base = TinyModel()
    func shard(_ name: String) -> Int { name.contains("mlp") ? 1 : 2 }
    for number in 1...2 {
      try folder.write(
        base.weights { shard($0) == number }, to: "base/model-\(number).safetensors")
    }
    let map = base.tensors.keys.sorted().map { "\"\($0)\":\"model-\(shard($0)).safetensors\"" }
    try folder.write(
      "{\"weight_map\":{\(map.joined(separator: ","))}}", to: "base/model.safetensors.index.json")
    try FileManager.default.removeItem(
      at: folder.url.appendingPathComponent("base/model.safetensors"))
    try folder.write(
      #"{"bos_token_id":1,"eos_token_id":[2,3],"pad_token_id":-1}"#,
      to: "base/generation_config.json")
  }
}
