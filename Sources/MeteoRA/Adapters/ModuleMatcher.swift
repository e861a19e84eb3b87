/// Decides whether a path belongs to `target_modules` or `exclude_modules`.
enum ModuleMatcher: Sendable {
  /// What of a path the match covers.
  enum Match {
    case whole, end
  }

  /// Names that a path is, or ends with after a dot; bytes are compared.
  case names(Set<ArraySlice<UInt8>>)
  case expression(PathPattern)
  case allLinear

  init(names: [String]) {
    self = .names(Set(names.map { Array($0.utf8)[...] }))
  }

  func matches(_ path: [UInt8], work: inout PatternWork) throws(MeteoRAError) -> Match? {
    switch self {
    case .expression(let pattern): return try pattern.matches(path, work: &work) ? .whole : nil
    case .allLinear: return .whole
    case .names(let names):
      if names.contains(path[...]) { return .whole }
      return path.ends.contains(where: names.contains) ? .end : nil
    }
  }
}

extension [UInt8] {
  /// A path, and what follows each of its dots.
  var ends: [ArraySlice<UInt8>] {
    [self[...]] + indices.filter { self[$0] == UInt8(ascii: ".") }.map { self[($0 + 1)...] }
  }
}
