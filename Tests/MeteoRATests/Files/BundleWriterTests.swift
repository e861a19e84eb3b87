import Foundation
import MeteoRALlama
import MeteoRASafetensors
import Testing

@testable import MeteoRA

@Suite("Writing bundles")
struct BundleWriterTests {
  /// The parts of a plain folder of the golden pack with adapters and a checkpoint.
  private func files(_ model: URL, checkpoint: String) throws -> ModelFiles {
    ModelFiles(
      base: model,
      adapters: try ModelFiles.adapters(in: model.appendingPathComponent("adapters")),
      gates: .checkpoint(model.appendingPathComponent(checkpoint)))
  }

  @Test(
    "it splits a checkpoint by the running sum of the ranks, bit for bit",
    arguments: [
      ("published", "meteora_checkpoint.safetensors"),
      ("published-unequal", "meteora_checkpoint.safetensors"),
      ("hf4-checkpoint-ranks-f32", "checkpoint.safetensors"),
    ])
  func splitsCheckpoint(name: String, checkpoint: String) throws {
    try ModelCopy.with(name) { copy in
      let files = try files(copy.folder, checkpoint: checkpoint)
      let output = copy.folder.deletingLastPathComponent().appendingPathComponent("b")
      try BundleWriter(files: files).write(to: output)

      let source = try SafetensorsFile(contentsOf: copy.url(checkpoint))
      var taken: [String: Int] = [:]
      for adapter in files.adapters {
        let url = output.appendingPathComponent(
          "adapters/\(adapter.name)/adapter_model.safetensors")
        let part = try SafetensorsFile(contentsOf: url)
        #expect(part.metadata?["format"] == "pt")
        #expect(part.metadata?.entries.count == 1)
        for tensor in part.tensors {
          let whole = try source.tensor(named: tensor.name)
          #expect(tensor.dtype == whole.dtype)
          let values = try whole.float32Values().map(\.bitPattern)
          let isA = tensor.name.hasSuffix("lora_A.weight")
          let rank = tensor.shape[isA ? 0 : 1]
          let first = taken[tensor.name, default: 0]
          taken[tensor.name] = first + rank
          let expected: [UInt32]
          if isA {
            expected = Array(values[first * whole.shape[1]..<(first + rank) * whole.shape[1]])
          } else {
            expected = (0..<whole.shape[0]).flatMap { row in
              values[row * whole.shape[1] + first..<row * whole.shape[1] + first + rank]
            }
          }
          #expect(try tensor.float32Values().map(\.bitPattern) == expected)
        }
      }
      for (name, total) in taken {
        let shape = try source.tensor(named: name).shape
        #expect(total == shape[name.hasSuffix("lora_A.weight") ? 0 : 1])
      }
      let gates = try SafetensorsFile(
        contentsOf: output.appendingPathComponent("gates.safetensors"))
      let all = source.tensors.filter { $0.name.hasSuffix(".moe_gate.weight") }
      #expect(Set(gates.tensors.map(\.name)) == Set(all.map(\.name)))

      let prompt = [1, 5, 7, 2]
      let expected = try MeteoRAModel(files: files).logits(of: prompt)
      let actual = try MeteoRAModel(contentsOf: output).logits(of: prompt)
      #expect(actual.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  @Test("it copies shards and their index, and keeps the bytes of every file")
  func copiesShards() throws {
    try ModelCopy.with("hf5-bundle-llama3-bf16") { copy in
      let files = try ModelFiles(folder: copy.folder)
      let output = copy.folder.deletingLastPathComponent().appendingPathComponent("b")
      try BundleWriter(files: files).write(to: output)
      let names = try FileManager.default.subpathsOfDirectory(atPath: copy.folder.path)
      #expect(Set(try FileManager.default.subpathsOfDirectory(atPath: output.path)) == Set(names))
      for name in names where name != "meteora.json" {
        if try copy.url(name).resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true {
          continue
        }
        #expect(
          try Data(contentsOf: output.appendingPathComponent(name))
            == Data(contentsOf: copy.url(name)))
      }
    }
  }

  @Test("it refuses parts that do not go together, by their own paths, and leaves nothing")
  func refusesParts() throws {
    try ModelCopy.with("published") { copy in
      let parent = copy.folder.deletingLastPathComponent()
      let output = parent.appendingPathComponent("b")
      var files = try files(copy.folder, checkpoint: "meteora_checkpoint.safetensors")
      func refusal() -> MeteoRAError? {
        do throws(MeteoRAError) {
          try BundleWriter(files: files).write(to: output)
          return nil
        } catch {
          return error
        }
      }
      files.router.topK = 4
      guard case .kernel("router", _)? = refusal() else {
        Issue.record("top-k of 4 was not refused")
        return
      }
      files.router.topK = 2
      let adapters = files.adapters
      files.adapters[1].name = adapters[0].name
      #expect(refusal() == .duplicateAdapter(name: adapters[0].name))
      files.adapters = adapters
      files.gates = .absent
      #expect(refusal() == .missingGates(adapters: adapters.map(\.name)))
      files.gates = .checkpoint(copy.url("meteora_checkpoint.safetensors"))
      try copy.rewrite("model.safetensors") { tensor in
        var tensor = tensor
        if tensor.name == "model.norm.weight" { tensor.bytes[0] ^= 1 }
        return [tensor]
      }
      guard case .baseDiffers? = refusal() else {
        Issue.record("another base was not refused")
        return
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path) == ["published"])
    }
  }

  @Test(
    "it stops whenever it is asked to, and leaves nothing",
    arguments: [("mha-tied", nil), ("published-unequal", "meteora_checkpoint.safetensors")])
  func stops(name: String, checkpoint: String?) throws {
    try ModelCopy.with(name) { copy in
      let files =
        try checkpoint.map { try self.files(copy.folder, checkpoint: $0) }
        ?? ModelFiles(folder: copy.folder)
      let parent = copy.folder.deletingLastPathComponent()
      let output = parent.appendingPathComponent("b")
      var asked = 0
      try BundleWriter(files: files).write(to: output) {
        asked += 1
        return false
      }
      try FileManager.default.removeItem(at: output)
      // Of two loads at least, before every tensor of the base's two layers.
      #expect(asked > 2 * 2 * 9)
      // Every question near both ends, and some between.
      let limits = (0..<asked).filter { $0 < 20 || $0 > asked - 40 || $0 % 10 == 0 }
      for limit in limits {
        var questions = 0
        #expect(throws: MeteoRAError.cancelled(path: output.path)) {
          try BundleWriter(files: files).write(to: output) {
            questions += 1
            return questions > limit
          }
        }
        // Nothing goes on after the answer.
        #expect(questions == limit + 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path) == [name])
      }
    }
  }

  @Test("it leaves nothing where a file is missing, or the new folder does not load")
  func fails() throws {
    try ModelCopy.with("mha-tied") { copy in
      let parent = copy.folder.deletingLastPathComponent()
      let output = parent.appendingPathComponent("b")
      let files = try ModelFiles(folder: copy.folder)
      var questions = 0
      // Takes the gates away when the parts are loaded and the copies begin.
      let gates = copy.url("gates.safetensors")
      let error = try #require(throws: MeteoRAError.self) {
        try BundleWriter(files: files).write(to: output) {
          questions += 1
          let isFilling = (try? FileManager.default.contentsOfDirectory(atPath: parent.path).count)
          if isFilling == 2 { try? FileManager.default.removeItem(at: gates) }
          return false
        }
      }
      #expect(error == .file(.notFound(path: gates.path)))
      #expect(questions > 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path) == ["mha-tied"])
    }
  }
}
