import MeteoRAKernels
import MeteoRALlama

/// The adapters of a loaded model, and the gates that choose among them.
struct AdapterSet: Sendable {
  /// Those that have a row in the gates first, in the order of the rows.
  var adapters: [PEFTAdapter]
  /// How many have a row in the gates; 0 without gates.
  var gatedCount: Int
  /// By adapter; one that is disabled is neither routed to nor run alone.
  var isEnabled: [Bool]
  /// By layer and ``LinearModule/index``, of all adapters with a row; `nil` without gates.
  var routedModules: [[RoutedModule?]]?

  init(adapters: [PEFTAdapter], routedModules: [[RoutedModule?]]?) {
    self.adapters = adapters
    self.routedModules = routedModules
    gatedCount = routedModules == nil ? 0 : adapters.count
    isEnabled = adapters.map { _ in true }
  }

  /// The modules that route if only some adapters may be chosen: those that one of them changes.
  ///
  /// A module that none of them changes is the base's alone, as in a model without the others.
  func routedModules(among allowed: [Int]) -> [[RoutedModule?]]? {
    routedModules?.map { modules in
      modules.map { module in
        guard let module, allowed.contains(where: { module.bank.adapters[$0] != nil }) else {
          return nil
        }
        return module
      }
    }
  }

  /// The set with one adapter more: behind those with a row in the gates if it brings one, else at
  /// the end.
  ///
  /// - Throws: ``MeteoRAError`` if a module that routes gets no row, or one that does not fit, or
  ///   if the adapter changes a module whose gate has no rows for the others.
  func adding(
    _ adapter: PEFTAdapter, gateRows: GateRows, base: LlamaConfiguration
  ) throws(MeteoRAError) -> AdapterSet {
    var set = self
    set.adapters.insert(adapter, at: gatedCount)
    set.isEnabled.insert(true, at: gatedCount)
    set.gatedCount += 1
    var layers: [[RoutedModule?]] = []
    for (layer, modules) in (routedModules ?? []).enumerated() {
      var row: [RoutedModule?] = []
      for (module, routed) in zip(LinearModule.allCases, modules) {
        let update = adapter.updates[layer][module.index]
        guard let routed else {
          guard update == nil else {
            throw .moduleWithoutGate(adapter: adapter.name, module: module.path(layer: layer))
          }
          row.append(nil)
          continue
        }
        let gateRow = try gateRows.row(
          layer: layer, module: module, count: base.shape(of: module).inFeatures)
        row.append(
          RoutedModule(
            gate: try routed.gate.appending(gateRow, of: module),
            bank: try LoRABank(adapters: routed.bank.adapters + [update], of: module, base: base)))
      }
      layers.append(row)
    }
    set.routedModules = layers
    return set
  }

  /// The set with one more adapter that has no row in the gates.
  func adding(_ adapter: PEFTAdapter) -> AdapterSet {
    var set = self
    set.adapters.append(adapter)
    set.isEnabled.append(true)
    return set
  }
}

extension WeightMatrix {
  /// The matrix with one row more, in binary32: widening changes no product.
  fileprivate func appending(
    _ row: [Float], of module: LinearModule
  ) throws(MeteoRAError) -> WeightMatrix {
    var values = [Float](repeating: 0, count: outFeatures * inFeatures)
    values.withUnsafeMutableBufferPointer { values in
      if let start = values.baseAddress { copyRows(to: start) }
    }
    do throws(KernelError) {
      return try WeightMatrix(
        values + row, outFeatures: outFeatures + 1, inFeatures: inFeatures)
    } catch {
      throw .kernel(context: module.rawValue, error)
    }
  }
}
