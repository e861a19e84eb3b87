import MeteoRA
import MeteoRAKernels
import MeteoRALlama

/// The gates that training begins with.
package struct StartingGates {
  /// By layer and ``LinearModule/index``, `[adapters, inFeatures]`; `nil` where no adapter changes
  /// the module.
  package var weights: [[WeightMatrix?]] = []
  /// By layer and ``LinearModule/index``: rows, from the first, that were trained before.
  package var trainedRows: [[Int]] = []

  /// Gates that learnt nothing yet are uniform up to 1 / √inputs, as PyTorch's linear layers.
  ///
  /// - Parameters:
  ///   - parts: Their adapters are those of the gates' rows.
  ///   - trained: Gates of all adapters or of the first of them, to go on with. In a module that
  ///     none of these changes, all rows are new.
  package init(
    of parts: ModelParts, seed: UInt64, trained: Gates? = nil
  ) throws(KernelError) {
    let initial = InitialWeights(seed: seed)
    for layer in parts.base.layers.indices {
      var row: [WeightMatrix?] = []
      var trainedRows: [Int] = []
      for module in LinearModule.allCases {
        let old = trained?.weights[layer][module.index]
        let isChanged = parts.adapters.contains { $0.updates[layer][module.index] != nil }
        trainedRows.append(isChanged ? old?.outFeatures ?? 0 : 0)
        guard isChanged else {
          row.append(nil)
          continue
        }
        let width = parts.base.configuration.shape(of: module).inFeatures
        let values = initial.uniform(
          PEFTAdapter.key(module, layer: layer, "moe_gate"), count: parts.adapters.count * width,
          bound: 1 / Float(width).squareRoot())
        let known = old?.floats ?? []
        row.append(
          try WeightMatrix(
            known + values[known.count...], outFeatures: parts.adapters.count, inFeatures: width))
      }
      weights.append(row)
      self.trainedRows.append(trainedRows)
    }
  }
}
