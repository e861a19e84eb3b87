/// The adapters that a request lets the gates choose among.
public enum AdapterSelection: Sendable, Equatable {
  /// All that the model has, but those it disables.
  case all
  /// Those of these names; naming one twice changes nothing.
  case only([String])
  /// All but those of these names.
  case without([String])
}

extension MeteoRAModel {
  /// The indices of the adapters of a selection, ascending, at least one.
  ///
  /// - Throws: ``MeteoRAError`` for a name that no adapter has; for one that is to be chosen and is
  ///   disabled or has no row in the gates; and if none is left.
  func allowedAdapters(_ selection: AdapterSelection) throws(MeteoRAError) -> [Int] {
    var isAllowed = Array(adapterSet.isEnabled[..<adapterSet.gatedCount])
    switch selection {
    case .all: break
    case .only(let names):
      isAllowed = isAllowed.map { _ in false }
      for name in names {
        let index = try enabledAdapter(named: name)
        guard index < isAllowed.count else { throw .adapterWithoutGate(name: name) }
        isAllowed[index] = true
      }
    case .without(let names):
      for name in names {
        let index = try adapterIndex(named: name)
        if index < isAllowed.count { isAllowed[index] = false }
      }
    }
    let allowed = isAllowed.indices.filter { isAllowed[$0] }
    guard !allowed.isEmpty else { throw .noAllowedAdapter(known: adapterNames) }
    return allowed
  }
}
