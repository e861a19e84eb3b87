import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

// Merging: W' = W + s · dot(B, A) in every module of one adapter (see LoRAMerge.swift), so that the
// base alone computes what base and adapter did, up to rounding. Gates choose adapters per token,
// which no single W' does: a model with gates cannot be merged.

extension MeteoRAModel {
  /// What a merged model was made of.
  struct Merge: Sendable {
    var adapter: String
    var original: MeteoRAModel
  }

  /// The name of the adapter that is merged into the base weights; `nil` if none is.
  public var mergedAdapter: String? { merge?.adapter }

  /// The model with an adapter merged into the base weights; the merged matrices are binary32.
  ///
  /// What it computes in mode ``Mode/noAdapters``, its only one, differs by rounding from what this
  /// model computes in mode ``Mode/singleAdapter(_:)``; the page on adapters says by how much. This
  /// model is kept, unchanged, for ``unmerging()``.
  ///
  /// - Throws: ``MeteoRAError/gatedMerge(model:)`` if gates choose among the adapters;
  ///   ``MeteoRAError`` for an adapter that is unknown or disabled, and for more merged matrices than
  ///   the machine has memory for.
  public func merging(_ name: String) throws(MeteoRAError) -> MeteoRAModel {
    if adapterSet.routedModules != nil { throw .gatedMerge(model: files.base.path) }
    let adapter = try adapter(named: name)
    try requireMemory(toMerge: adapter)
    var weights: [[WeightMatrix?]] = []
    for (layer, modules) in adapter.updates.enumerated() {
      var row: [WeightMatrix?] = []
      for (module, update) in zip(LinearModule.allCases, modules) {
        guard let update else {
          row.append(nil)
          continue
        }
        do throws(KernelError) {
          row.append(
            try LoRAMerge(update).merged(
              into: base.layers[layer][module].weights, parallelism: parallelism))
        } catch {
          throw .kernel(context: module.path(layer: layer), error)
        }
      }
      weights.append(row)
    }
    return MeteoRAModel(
      base: base.replacingWeights(weights), files: files,
      adapterSet: AdapterSet(adapters: [], routedModules: nil), kernel: kernel,
      parallelism: parallelism, merge: Merge(adapter: adapter.name, original: self))
  }

  private func requireMemory(toMerge adapter: PEFTAdapter) throws(MeteoRAError) {
    var demand = MemoryDemand()
    for modules in adapter.updates {
      for (module, update) in zip(LinearModule.allCases, modules) where update != nil {
        let shape = base.configuration.shape(of: module)
        demand.add(shape.outFeatures, times: shape.inFeatures * MemoryLayout<Float>.size)
      }
    }
    do throws(LlamaError) {
      try demand.require(for: "the weights with adapter '\(printable(adapter.name))' merged")
    } catch {
      throw .llama(error)
    }
  }

  /// The model as it was before ``merging(_:)``, with its very weights: nothing is subtracted, so
  /// nothing is rounded. A model that nothing is merged into is returned as it is.
  public func unmerging() -> MeteoRAModel {
    merge.map { $0.original.with(kernel: kernel, parallelism: parallelism) } ?? self
  }
}
