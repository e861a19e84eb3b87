import MeteoRAKernels
import MeteoRALlama

/// What a linear module has beside its base weights.
package struct TrainableModule {
  /// `[adapters, inFeatures]`; `nil` for one adapter alone.
  package var gate: WeightMatrix?
  package var bank: LoRABank
  /// The same adapters, the other way round.
  package fileprivate(set) var transposedBank: LoRABank

  package init(gate: WeightMatrix?, bank: LoRABank) throws(KernelError) {
    self.gate = gate
    self.bank = bank
    transposedBank = try bank.transposed()
  }
}

/// A model, and the weights of it that are trained.
package final class TrainableModel {
  package private(set) var llama: LlamaModel
  /// By layer and ``LinearModule/index``; `nil` for a module without adapters.
  package private(set) var modules: [[TrainableModule?]]
  package let trained: TrainedWeights
  /// Rows of every gate.
  package let adapterCount: Int
  package let topK: Int
  package let temperature: Float

  /// - Parameter topK: At most `adapterCount`.
  package init(
    llama: LlamaModel, modules: [[TrainableModule?]], trained: TrainedWeights, adapterCount: Int,
    topK: Int, temperature: Float
  ) {
    self.llama = llama
    self.modules = modules
    self.trained = trained
    self.adapterCount = adapterCount
    self.topK = topK
    self.temperature = temperature
  }

  package var configuration: LlamaConfiguration { llama.configuration }

  /// Linear modules with a gate.
  package var gateCount: Int { modules.reduce(0) { $0 + $1.count { $0?.gate != nil } } }

  /// The lowest layer that something is trained of; that of the embedding is −1.
  var lowestTrainedLayer: Int {
    if trained.base != nil { return -1 }
    return trained.modules.firstIndex { $0.contains { !$0.tensors.isEmpty } }
      ?? trained.modules.count
  }

  /// Makes the model compute with the present values of what is trained.
  package func adoptTrainedValues(parallelism: Parallelism) throws(KernelError) {
    let width = LinearModule.allCases.count
    let old = Array(modules.joined())
    var adopted = old.map { Result<TrainableModule?, KernelError>.success($0) }
    adopted.withUnsafeMutableBufferPointer { adopted in
      parallelism.forEachRange(of: adopted.count) { range in
        for index in range {
          adopted[index] = Result { () throws(KernelError) in
            try old[index]?.adopting(trained.modules[index / width][index % width])
          }
        }
      }
    }
    var now: [TrainableModule?] = []
    for module in adopted { now.append(try module.get()) }
    modules = modules.indices.map { Array(now[$0 * width..<($0 + 1) * width]) }
    if let base = trained.base { try adopt(base, parallelism) }
  }

  private func adopt(_ base: TrainedBase, _ parallelism: Parallelism) throws(KernelError) {
    var layers: [LlamaLayer] = []
    for (index, layer) in trained.modules.enumerated() {
      var linears: [LlamaLinear] = []
      for module in LinearModule.allCases {
        let old = llama.layers[index][module]
        linears.append(
          LlamaLinear(
            weights: try layer[module.index].weight?.weights(parallelism: parallelism)
              ?? old.weights,
            bias: layer[module.index].bias?.array ?? old.bias))
      }
      layers.append(
        LlamaLayer(
          inputNorm: base.inputNorms[index].array,
          postAttentionNorm: base.postAttentionNorms[index].array, linears: linears))
    }
    let embedding = try base.embedding.weights(parallelism: parallelism)
    llama = LlamaModel(
      configuration: llama.configuration, specialTokens: llama.specialTokens, layers: layers,
      embedding: embedding, finalNorm: base.finalNorm.array,
      head: try base.head?.weights(parallelism: parallelism) ?? embedding, rotary: llama.rotary)
  }
}

extension TrainableModule {
  /// The module with the present values of what is trained.
  fileprivate func adopting(_ trained: TrainedModule) throws(KernelError) -> TrainableModule {
    var module = self
    if let gate = trained.gate { module.gate = try gate.weights(parallelism: .serial) }
    if trained.adapters.isEmpty { return module }
    var adapters: [LoRAAdapter?] = []
    for adapter in trained.adapters {
      guard let adapter else {
        adapters.append(nil)
        continue
      }
      adapters.append(
        try LoRAAdapter(
          a: adapter.a.weights(parallelism: .serial), b: adapter.b.weights(parallelism: .serial),
          scaling: adapter.scaling))
    }
    module.bank = try LoRABank(
      adapters: adapters, outFeatures: bank.outFeatures, inFeatures: bank.inFeatures)
    module.transposedBank = try module.bank.transposed()
    return module
  }
}
