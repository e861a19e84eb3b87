import MeteoRAKernels
import MeteoRALlama

// Changes to the adapters of a loaded model. A model is immutable: each of these returns another
// one that shares all weights, so that requests under way go on as they began.

extension MeteoRAModel {
  /// Names of the adapters that are disabled, in the order of ``adapterNames``.
  public var disabledAdapters: [String] {
    zip(adapterNames, adapterSet.isEnabled).filter { !$0.1 }.map(\.0)
  }

  /// The same model without the use of some adapters: gates choose among the others, and naming one
  /// of these in a ``Mode`` is refused.
  ///
  /// With all adapters disabled ``defaultMode`` is the base alone. For a single request
  /// ``Mode/routedAmong(_:)`` does the same.
  ///
  /// - Throws: ``MeteoRAError/unknownAdapter(name:known:)``.
  public func disabling(_ names: [String]) throws(MeteoRAError) -> MeteoRAModel {
    try setting(names, enabled: false)
  }

  /// The same model with the use of adapters that were disabled; one that was not stays as it is.
  ///
  /// - Throws: ``MeteoRAError/unknownAdapter(name:known:)``.
  public func enabling(_ names: [String]) throws(MeteoRAError) -> MeteoRAModel {
    try setting(names, enabled: true)
  }

  private func setting(
    _ names: [String], enabled: Bool
  ) throws(MeteoRAError) -> MeteoRAModel {
    var set = adapterSet
    for name in names { set.isEnabled[try adapterIndex(named: name)] = enabled }
    return with(set)
  }

  /// The same model with one more adapter, read from a PEFT folder.
  ///
  /// With rows for the gates the model is that of files that hold the adapter and the rows behind
  /// all others. Without, the adapter can only be run alone, in mode ``Mode/singleAdapter(_:)``; a
  /// model without gates takes any number of such adapters.
  ///
  /// ``files`` still tells what was loaded at first.
  ///
  /// - Parameters:
  ///   - adapter: A folder, and a name that no adapter of the model has.
  ///   - gateRows: A row for every module that routes. Rows of other modules decide nothing.
  /// - Throws: ``MeteoRAError`` if the folder cannot be taken or does not fit the base, the name is
  ///   taken, a row is missing, of another length or not finite, the adapter changes a module that
  ///   no other changes (whose gate has no rows for the others), or there are no gates to add a row
  ///   to.
  public func adding(
    _ adapter: ModelFiles.Adapter, gateRows: GateRows? = nil
  ) throws(MeteoRAError) -> MeteoRAModel {
    try ModelFiles(base: files.base, adapters: [adapter]).validate()
    if adapterSet.adapters.contains(where: { $0.name.utf8.elementsEqual(adapter.name.utf8) }) {
      throw .duplicateAdapter(name: adapter.name)
    }
    if gateRows != nil, adapterSet.routedModules == nil {
      throw .notRouted(model: files.base.path)
    }
    let loaded = try PEFTAdapter(
      name: adapter.name, folder: adapter.folder, base: base.configuration,
      memory: WeightMemory(), shouldStop: { false })
    guard let gateRows else { return with(adapterSet.adding(loaded)) }
    return with(
      try adapterSet.adding(loaded, gateRows: gateRows, base: base.configuration))
  }
}
