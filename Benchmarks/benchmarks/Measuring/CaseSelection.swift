/// Which cases are run: those that `--only` names, or all.
struct CaseSelection: Equatable {
  /// `nil` for all.
  private let chosen: Set<String>?

  static let all = CaseSelection(chosen: nil)

  /// Whether nothing was asked for by name.
  var isAll: Bool { chosen == nil }

  private init(chosen: Set<String>?) {
    self.chosen = chosen
  }

  /// - Parameter texts: Each the name of a case, which chooses that one alone, or else the
  ///   beginning of names. None choose all cases.
  /// - Throws: ``UsageError`` if no name begins with one of them.
  init(_ texts: [String], of subject: BenchmarkOptions.Subject) throws(UsageError) {
    if texts.isEmpty {
      self = .all
      return
    }
    let names = subject.caseNames
    var chosen = Set<String>()
    for text in texts {
      let found = names.contains(text) ? [text] : names.filter { $0.hasPrefix(text) }
      if found.isEmpty { throw Self.error(text, of: subject) }
      chosen.formUnion(found)
    }
    self.init(chosen: chosen)
  }

  /// Whether a case was asked for.
  func includes(_ name: String) -> Bool { chosen?.contains(name) ?? true }

  /// Whether some case that begins with `group` was asked for.
  func includesAny(of group: String) -> Bool {
    chosen?.contains { $0.hasPrefix(group) } ?? true
  }

  private static func error(
    _ text: String, of subject: BenchmarkOptions.Subject
  ) -> UsageError {
    for other in BenchmarkOptions.Subject.allCases where other != subject {
      if other.caseNames.contains(where: { $0.hasPrefix(text) }) {
        return .caseOfOther(prefix: text, command: other.rawValue)
      }
    }
    let groups = groups(of: subject.caseNames)
    let nearest = groups.min { distance(text, $0) < distance(text, $1) }
    return .noCase(prefix: text, nearest: nearest ?? "")
  }

  /// All beginnings of names that end with a slash, each once, in order.
  private static func groups(of names: [String]) -> [String] {
    var seen = Set<String>()
    var groups: [String] = []
    for name in names {
      for end in name.indices where name[end] == "/" {
        let group = String(name[...end])
        if seen.insert(group).inserted { groups.append(group) }
      }
    }
    return groups
  }

  /// How many bytes have to be put in, taken out or changed to make one text of the other.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8.prefix(200)), Array(b.utf8))
    var row = Array(0...b.count)
    for (i, byte) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let changed = diagonal + (byte == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
