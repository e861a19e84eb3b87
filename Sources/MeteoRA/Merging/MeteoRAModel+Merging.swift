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

  /// The name of the adapter that was merged into the base weights, of several the last one; `nil`
  /// if none was.
  public var mergedAdapter: String? { merge?.adapter }

  /// The model with an adapter merged into the base weights; the merged matrices are binary32.
  ///
  /// What it computes in mode ``Mode/noAdapters`` differs by rounding from what this model computes
  /// in mode ``Mode/singleAdapter(_:)``; the page on adapters says by how much. It has no adapters
  /// until some are added. This model is kept, unchanged, for ``unmerging()``.
  ///
  /// - Throws: ``MeteoRAError/gatedMerge(model:)`` if gates choose among the adapters;
  ///   ``MeteoRAError/mergeOverflow(file:tensor:element:value:type:)`` if a finite weight becomes
  ///   infinite or NaN; ``MeteoRAError`` for an adapter that is unknown or disabled, and for more
  ///   merged matrices than the machine has memory for.
  public func merging(_ name: String) throws(MeteoRAError) -> MeteoRAModel {
    if adapterSet.routedModules != nil { throw .gatedMerge(model: files.base.path) }
    let adapter = try adapter(named: name)
    try requireMemory(toMerge: adapter)
    var weights: [[WeightMatrix?]] = adapter.updates.map { $0.map { _ in nil } }
    for (layer, module, update) in adapter.changes {
      let original = base.layers[layer][module].weights
      let merged: WeightMatrix
      do throws(KernelError) {
        merged = try LoRAMerge(update).merged(into: original, parallelism: parallelism)
      } catch {
        throw .kernel(context: module.path(layer: layer), error)
      }
      if let lost = merged.firstLoss(from: original) {
        throw .mergeOverflow(
          file: files.base.path, tensor: "\(module.path(layer: layer)).weight",
          element: lost.element, value: lost.value, type: "F32")
      }
      weights[layer][module.index] = merged
    }
    return MeteoRAModel(
      base: base.replacingWeights(weights), files: files,
      adapterSet: AdapterSet(adapters: [], routedModules: nil), kernel: kernel,
      parallelism: parallelism, merge: Merge(adapter: adapter.name, original: self))
  }

  private func requireMemory(toMerge adapter: PEFTAdapter) throws(MeteoRAError) {
    var demand = MemoryDemand()
    for (_, module, _) in adapter.changes {
      let shape = base.configuration.shape(of: module)
      demand.add(shape.outFeatures, times: shape.inFeatures * MemoryLayout<Float>.size)
    }
    do throws(LlamaError) {
      try demand.require(for: "the weights with adapter '\(printable(adapter.name))' merged")
    } catch {
      throw .llama(error)
    }
  }

  /// The model as it was before the last ``merging(_:)``, with its very weights: nothing is
  /// subtracted, so nothing is rounded. Adapters that were added since are not part of it. A model
  /// that nothing is merged into is returned as it is.
  public func unmerging() -> MeteoRAModel {
    merge.map { $0.original.with(kernel: kernel, parallelism: parallelism) } ?? self
  }
}

extension WeightMatrix {
  /// The first element that is infinite or NaN and was finite in another matrix of the same shape.
  fileprivate func firstLoss(from original: WeightMatrix) -> (element: Int, value: Float)? {
    var (row, before) = (
      [Float](repeating: 0, count: inFeatures), [Float](repeating: 0, count: inFeatures)
    )
    for index in 0..<outFeatures {
      copy(index, to: &row)
      guard let place = row.firstIndex(where: { !$0.isFinite }) else { continue }
      original.copy(index, to: &before)
      if let place = row.indices[place...].first(where: { !row[$0].isFinite && before[$0].isFinite }
      ) {
        return (index * inFeatures + place, row[place])
      }
    }
    return nil
  }

  private func copy(_ index: Int, to row: inout [Float]) {
    row.withUnsafeMutableBufferPointer { row in
      if let start = row.baseAddress { copyRow(index, to: start) }
    }
  }
}
