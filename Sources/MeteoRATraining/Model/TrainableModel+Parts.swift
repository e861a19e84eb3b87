import MeteoRA
import MeteoRAKernels
import MeteoRALlama

// What is trained of a model's parts, and what its tensors are called:
//
//   gates      base_model.model.{module path}.moe_gate.weight           as in a gates file
//   adapters   base_model.model.{module path}.lora_A.{adapter}.weight   as PEFT's parameters
//   adapter    base_model.model.{module path}.lora_A.weight             as in an adapter file
//   base       {module path}.weight, model.norm.weight, …               as in a base model's file

extension WeightMatrix {
  /// The elements, widened, row-major.
  var floats: [Float] {
    let count = outFeatures * inFeatures
    return [Float](unsafeUninitializedCapacity: count) { values, initialized in
      initialized = count
      if let start = values.baseAddress { copyRows(to: start) }
    }
  }

  /// A tensor with these elements.
  ///
  /// - Parameter frozenRows: Rows, from the first, that stay as they are.
  func trained(as name: String, frozenRows: Int = 0) -> TrainedTensor {
    TrainedTensor(
      name: name, shape: [outFeatures, inFeatures], values: floats, frozenRows: frozenRows)
  }
}

extension LoRAAdapter {
  fileprivate func trained(_ module: LinearModule, layer: Int, suffix: String) -> TrainedAdapter {
    TrainedAdapter(
      a: a.trained(as: PEFTAdapter.key(module, layer: layer, "lora_A\(suffix)")),
      b: b.trained(as: PEFTAdapter.key(module, layer: layer, "lora_B\(suffix)")),
      scaling: scaling)
  }
}

extension TrainableModel {
  /// A model whose gates are trained, and if asked for its adapters too.
  ///
  /// - Parameters:
  ///   - parts: Their own gates, if they have any, are not looked at.
  ///   - gates: Those to begin with.
  ///   - keepsTrainedRows: Whether rows of gates that were trained before stay as they are.
  ///   - router: Its `topK` is at most the number of adapters.
  package convenience init(
    trainingGatesOf parts: ModelParts, from gates: StartingGates, keepsTrainedRows: Bool = false,
    trainsAdapters: Bool, router: RouterConfiguration
  ) throws(KernelError) {
    var modules: [[TrainableModule?]] = []
    var trained: [[TrainedModule]] = []
    for layer in parts.base.layers.indices {
      var row: [TrainableModule?] = []
      var tensors: [TrainedModule] = []
      for module in LinearModule.allCases {
        var own = TrainedModule()
        if let gate = gates.weights[layer][module.index] {
          let updates = parts.adapters.map { $0.updates[layer][module.index] }
          row.append(
            try TrainableModule(gate: gate, bank: Self.bank(updates, module, parts.base)))
          own.gate = gate.trained(
            as: PEFTAdapter.key(module, layer: layer, "moe_gate"),
            frozenRows: keepsTrainedRows ? gates.trainedRows[layer][module.index] : 0)
          if trainsAdapters {
            own.adapters = zip(parts.adapters, updates).map { adapter, update in
              update?.trained(module, layer: layer, suffix: ".\(adapter.name)")
            }
          }
        } else {
          row.append(nil)
        }
        tensors.append(own)
      }
      modules.append(row)
      trained.append(tensors)
    }
    self.init(
      llama: parts.base, modules: modules, trained: TrainedWeights(modules: trained),
      adapterCount: parts.adapters.count, topK: router.topK, temperature: router.temperature)
  }

  /// A model with one adapter, which is trained.
  package convenience init(
    training adapter: PEFTAdapter, on base: LlamaModel
  ) throws(KernelError) {
    var modules: [[TrainableModule?]] = []
    var trained: [[TrainedModule]] = []
    for (layer, updates) in adapter.updates.enumerated() {
      var row: [TrainableModule?] = []
      var tensors: [TrainedModule] = []
      for module in LinearModule.allCases {
        var own = TrainedModule()
        if let update = updates[module.index] {
          row.append(
            try TrainableModule(gate: nil, bank: Self.bank([update], module, base)))
          own.adapters = [update.trained(module, layer: layer, suffix: "")]
        } else {
          row.append(nil)
        }
        tensors.append(own)
      }
      modules.append(row)
      trained.append(tensors)
    }
    self.init(
      llama: base, modules: modules, trained: TrainedWeights(modules: trained), adapterCount: 1,
      topK: 1, temperature: 1)
  }

  /// A base model that is trained as a whole.
  package convenience init(trainingAllOf base: LlamaModel) {
    let configuration = base.configuration
    func vector(_ values: [Float], _ name: String) -> TrainedTensor {
      TrainedTensor(name: name, shape: [values.count], values: values)
    }
    var trained: [[TrainedModule]] = []
    for layer in base.layers.indices {
      trained.append(
        LinearModule.allCases.map { module in
          let linear = base.layers[layer][module]
          let path = module.path(layer: layer)
          var own = TrainedModule()
          own.weight = linear.weights.trained(as: "\(path).weight")
          own.bias = linear.bias.map { vector($0, "\(path).bias") }
          return own
        })
    }
    let whole = TrainedBase(
      embedding: base.embedding.trained(as: "model.embed_tokens.weight"),
      head: configuration.tiesEmbeddings ? nil : base.head.trained(as: "lm_head.weight"),
      finalNorm: vector(base.finalNorm, "model.norm.weight"),
      inputNorms: base.layers.enumerated().map {
        vector($1.inputNorm, "model.layers.\($0).input_layernorm.weight")
      },
      postAttentionNorms: base.layers.enumerated().map {
        vector($1.postAttentionNorm, "model.layers.\($0).post_attention_layernorm.weight")
      })
    let none = [TrainableModule?](repeating: nil, count: LinearModule.allCases.count)
    self.init(
      llama: base, modules: base.layers.map { _ in none },
      trained: TrainedWeights(modules: trained, base: whole), adapterCount: 0, topK: 0,
      temperature: 1)
  }

  private static func bank(
    _ adapters: [LoRAAdapter?], _ module: LinearModule, _ base: LlamaModel
  ) throws(KernelError) -> LoRABank {
    let shape = base.configuration.shape(of: module)
    return try LoRABank(
      adapters: adapters, outFeatures: shape.outFeatures, inFeatures: shape.inFeatures)
  }
}
