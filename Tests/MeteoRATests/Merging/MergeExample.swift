import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath
import MeteoRASafetensors

@testable import MeteoRA

/// A base and one adapter of the golden pack, to be merged.
enum MergeExample: String, CaseIterable, Sendable {
  /// Three shards in bfloat16, rsLoRA, no attention.
  case shards = "gqa-sharded/rank3-rslora"
  /// Patterns of ranks and alphas.
  case patterns = "gqa-sharded/rank8"
  /// Biases, binary16.
  case half = "bias-f16/a2"
  /// Binary32, and a `config.json` of few fields.
  case old = "plain-minimal/solo"
  /// The `config.json` of Transformers 5, tied embeddings.
  case tied = "rope-parameters/second"

  var model: String { String(rawValue.split(separator: "/")[0]) }
  var adapter: String { String(rawValue.split(separator: "/")[1]) }

  /// The base, and the adapter alone.
  func files() throws -> ModelFiles {
    let folder = try ModelCopy.original(model)
    let base = folder.appendingPathComponent("base", isDirectory: true)
    let hasBase = FileManager.default.fileExists(atPath: base.path)
    return ModelFiles(
      base: hasBase ? base : folder,
      adapters: [.init(name: adapter, folder: folder.appendingPathComponent("adapters/\(adapter)"))]
    )
  }

  func load() throws -> MeteoRAModel {
    try MeteoRAModel(files: files(), parallelism: .serial)
  }

  /// Every matrix that the adapter changes, by its name: W + s · dot(B, A), a scalar at a time from
  /// the tensors of the files.
  func expected() throws -> [String: [Float]] {
    let files = try files()
    let base = try SafetensorsCheckpoint(folder: files.base)
    let adapter = try SafetensorsFile(
      contentsOf: files.adapters[0].folder.appendingPathComponent(PEFTAdapter.weightsFile))
    let loaded = try load().adapterSet.adapters[0]
    var expected: [String: [Float]] = [:]
    for (layer, modules) in loaded.updates.enumerated() {
      for (module, update) in zip(LinearModule.allCases, modules) {
        guard let update else { continue }
        let name = "\(module.path(layer: layer)).weight"
        let w = try base.tensor(named: name)
        let values = try w.float32Values()
        let a = try adapter.tensor(named: PEFTAdapter.key(module, layer: layer, "lora_A"))
        let b = try adapter.tensor(named: PEFTAdapter.key(module, layer: layer, "lora_B"))
        let (rank, width) = (a.shape[0], a.shape[1])
        let (aValues, bValues) = (try a.float32Values(), try b.float32Values())
        expected[name] = values.indices.map { place in
          let row = Array(bValues[place / width * rank..<(place / width + 1) * rank])
          let column = (0..<rank).map { aValues[$0 * width + place % width] }
          let scaled = update.scaling * Self.dot(row, column)
          return values[place] + scaled
        }
      }
    }
    return expected
  }

  private static func dot(_ a: [Float], _ b: [Float]) -> Float {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let start = b.baseAddress else { return 0 }
        return DotProduct.dot(a, start, count: b.count)
      }
    }
  }
}
