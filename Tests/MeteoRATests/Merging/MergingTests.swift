import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath
import Testing

@testable import MeteoRA

@Suite("Merging an adapter into the weights of a loaded model")
struct MergingTests {
  private func values(_ weights: WeightMatrix) -> [Float] {
    var values = [Float](repeating: 0, count: weights.outFeatures * weights.inFeatures)
    values.withUnsafeMutableBufferPointer { values in
      if let start = values.baseAddress { weights.copyRows(to: start) }
    }
    return values
  }

  @Test(
    "the matrices that it changes are W + s · dot(B, A) in binary32, the others are shared",
    arguments: MergeExample.allCases, [1, 3])
  func matrices(example: MergeExample, threads: Int) throws {
    let model = try example.load().with(parallelism: Parallelism(threads: threads))
    let merged = try model.merging(example.adapter)
    let expected = try example.expected()
    #expect(!expected.isEmpty)
    for (layer, original) in model.base.layers.enumerated() {
      for module in LinearModule.allCases {
        let weights = merged.base.layers[layer][module].weights
        guard let expected = expected["\(module.path(layer: layer)).weight"] else {
          #expect(weights === original[module].weights)
          continue
        }
        #expect(weights.format == .float32)
        #expect(firstDifference(values(weights), expected) == nil)
      }
    }
  }

  @Test("it runs without adapters, near what it ran with one", arguments: MergeExample.allCases)
  func runs(example: MergeExample) throws {
    let model = try example.load()
    let tokens = model.tokens(12)
    let merged = try model.merging(example.adapter)
    #expect(merged.mergedAdapter == example.adapter && model.mergedAdapter == nil)
    #expect(merged.adapterNames.isEmpty && merged.defaultMode == .noAdapters)
    let before = try model.logits(of: tokens)
    let base = try model.logits(of: tokens, mode: .noAdapters)
    let after = try merged.logits(of: tokens)
    // The page on adapters tells the distance; this tells a merge from none, or from another scaling.
    func error(_ logits: [Float]) -> Float {
      zip(logits, before).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
    #expect(error(after) * 1000 < error(base))
    for threads in [2, 5] {
      let other = merged.with(parallelism: try Parallelism(threads: threads))
      #expect(firstDifference(try other.logits(of: tokens), after) == nil)
    }
  }

  @Test("unmerging gives back the very weights", arguments: MergeExample.allCases)
  func unmerges(example: MergeExample) throws {
    let model = try example.load()
    let tokens = model.tokens(12)
    let before = try model.logits(of: tokens)
    let merged = try model.merging(example.adapter).with(kernel: .loop)
    let unmerged = merged.unmerging()
    #expect(unmerged.base === model.base && unmerged.kernel == .loop)
    #expect(unmerged.mergedAdapter == nil && unmerged.adapterNames == [example.adapter])
    #expect(firstDifference(try unmerged.logits(of: tokens), before) == nil)
    // Merging left the model alone.
    #expect(firstDifference(try model.logits(of: tokens), before) == nil)
    #expect(unmerged.unmerging() === unmerged)
  }

  @Test("subtracting what was added would not give the weights back")
  func subtractingRounds() throws {
    let example = MergeExample.patterns
    let model = try example.load()
    let merged = try model.merging(example.adapter)
    let adapter = model.adapterSet.adapters[0]
    let update = try #require(adapter.updates[0][LinearModule.up.index])
    let opposite = try LoRAAdapter(a: update.a, b: update.b, scaling: -update.scaling)
    let weights = merged.base.layers[0][.up].weights
    let subtracted = try LoRAMerge(opposite).merged(into: weights)
    let original = model.base.layers[0][.up].weights
    #expect(firstDifference(values(subtracted), values(original)) != nil)
  }

  @Test("gates cannot be merged")
  func refusesGates() throws {
    let model = try TinyBundle().load()
    let error = try #require(throws: MeteoRAError.self) { try model.merging("first") }
    #expect(error == .gatedMerge(model: model.files.base.path))
    #expect(
      error.description
        == "\(model.files.base.path): gates choose its adapters for every token, which no merged "
        + "weights can do; expected one adapter without gates")
  }

  @Test("an adapter that is not there, is disabled, or is merged already cannot be merged")
  func refusesAdapters() throws {
    let model = try MergeExample.old.load()
    #expect(throws: MeteoRAError.unknownAdapter(name: "solos", known: ["solo"])) {
      try model.merging("solos")
    }
    #expect(throws: MeteoRAError.disabledAdapter(name: "solo")) {
      try model.disabling(["solo"]).merging("solo")
    }
    #expect(throws: MeteoRAError.unknownAdapter(name: "solo", known: [])) {
      try model.merging("solo").merging("solo")
    }
  }
}
