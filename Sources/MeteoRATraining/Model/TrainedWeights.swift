import MeteoRAKernels
import MeteoRALlama

/// The tensors of one low-rank adapter in one module.
package struct TrainedAdapter {
  /// `[rank, inFeatures]`.
  package var a: TrainedTensor
  /// `[outFeatures, rank]`.
  package var b: TrainedTensor
  package var scaling: Float

  package init(a: TrainedTensor, b: TrainedTensor, scaling: Float) {
    self.a = a
    self.b = b
    self.scaling = scaling
  }
}

/// What is trained of a linear module; `nil` and empty for what is frozen.
package struct TrainedModule {
  /// `[adapters, inFeatures]`.
  package var gate: TrainedTensor?
  /// By adapter index, if adapters are trained.
  package var adapters: [TrainedAdapter?] = []
  /// `[outFeatures, inFeatures]`.
  package var weight: TrainedTensor?
  /// `[outFeatures]`.
  package var bias: TrainedTensor?

  package init() {}

  var tensors: [TrainedTensor] {
    [gate, weight, bias].compactMap(\.self) + adapters.compactMap(\.self).flatMap { [$0.a, $0.b] }
  }
}

/// What is trained of the rest of a base model.
package struct TrainedBase {
  /// `[vocabularySize, H]`.
  package var embedding: TrainedTensor
  /// `[vocabularySize, H]`; `nil` if it is the embedding.
  package var head: TrainedTensor?
  /// `[H]`.
  package var finalNorm: TrainedTensor
  /// By layer, `[H]`.
  package var inputNorms: [TrainedTensor]
  /// By layer, `[H]`.
  package var postAttentionNorms: [TrainedTensor]

  package init(
    embedding: TrainedTensor, head: TrainedTensor?, finalNorm: TrainedTensor,
    inputNorms: [TrainedTensor], postAttentionNorms: [TrainedTensor]
  ) {
    self.embedding = embedding
    self.head = head
    self.finalNorm = finalNorm
    self.inputNorms = inputNorms
    self.postAttentionNorms = postAttentionNorms
  }

  var tensors: [TrainedTensor] {
    [embedding, head, finalNorm].compactMap(\.self) + inputNorms + postAttentionNorms
  }
}

/// Everything that is trained of a model.
package struct TrainedWeights {
  /// By layer and ``LinearModule/index``.
  package let modules: [[TrainedModule]]
  package let base: TrainedBase?
  /// In ascending order of their names, as bytes.
  package let tensors: [TrainedTensor]

  package init(modules: [[TrainedModule]], base: TrainedBase? = nil) {
    self.modules = modules
    self.base = base
    let all = modules.flatMap { $0.flatMap(\.tensors) } + (base?.tensors ?? [])
    tensors = all.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
