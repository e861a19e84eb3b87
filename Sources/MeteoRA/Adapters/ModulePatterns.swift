import MeteoRASafetensors

// How PEFT finds a module's rank and alpha has changed twice:
//
//   0.15 and later   of rank_pattern, and on its own of alpha_pattern, the first key that matches
//                    (.*\.)?(KEY)$
//   0.14             the same with .*\.KEY$; where none matches, a key that is the path
//   0.10 to 0.13     as 0.14, but one key for both: the first of rank_pattern, then of alpha_pattern
//
// A file seldom says which release trained the adapter. A wrong rank shows in the shapes of its
// tensors, a wrong alpha nowhere but in the results. A key with ^ before it is of 0.15 or later:
// behind `.*\.` it matches nothing.

/// `rank_pattern` and `alpha_pattern`.
struct ModulePatterns: Sendable {
  /// What the patterns say of a module; `nil` where they say nothing.
  struct Choice: Equatable {
    var rank: Int?
    var alpha: Double?
  }

  /// The values of one of the two fields, by key and in order.
  struct Values<Value: Sendable>: Sendable {
    var patterns: [PathPattern]
    var values: [Value]
    /// The patterns as releases before 0.15 match them; `nil` if those do not count.
    var olderPatterns: [PathPattern]?

    init(
      _ entries: [(key: String, value: Value)], field: String, olderReleasesCount: Bool,
      budget: inout PatternBudget
    ) throws(MeteoRAError) {
      patterns = []
      values = entries.map(\.value)
      for (key, _) in entries {
        patterns.append(
          try PathPattern(key, extent: .end, field: "key of \(field)", budget: &budget))
      }
      guard olderReleasesCount else { return }
      var older: [PathPattern] = []
      for (key, _) in entries {
        older.append(
          try PathPattern(key, extent: .endAfterDot, field: "key of \(field)", budget: &budget))
      }
      olderPatterns = older
    }

    func value(for path: String) -> Value? {
      patterns.firstIndex { $0.matches(path) }.map { values[$0] }
    }

    fileprivate func value(ofKey key: String) -> Value? {
      patterns.firstIndex { $0.text.utf8.elementsEqual(key.utf8) }.map { values[$0] }
    }

    fileprivate func olderKey(for path: String) -> String? {
      olderPatterns?.first { $0.matches(path) }?.text
    }
  }

  let ranks: Values<Int>
  let alphas: Values<Double>

  /// What PEFT 0.15 and later choose.
  func choice(for path: String) -> Choice {
    Choice(rank: ranks.value(for: path), alpha: alphas.value(for: path))
  }

  /// What releases before 0.15 choose, if they count.
  func olderChoices(for path: String) -> [Choice] {
    if ranks.olderPatterns == nil { return [] }
    let (rankKey, alphaKey) = (ranks.olderKey(for: path), alphas.olderKey(for: path))
    let key = rankKey ?? alphaKey ?? path
    return [
      Choice(
        rank: ranks.value(ofKey: rankKey ?? path), alpha: alphas.value(ofKey: alphaKey ?? path)),
      Choice(rank: ranks.value(ofKey: key), alpha: alphas.value(ofKey: key)),
    ]
  }

  /// Whether a version such as "0.15.2" is one whose rule is that of today.
  static func isOfToday(version: String) -> Bool {
    let parts = version.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { Int(String(decoding: $0, as: UTF8.self)) }
    guard let first = parts.first, let major = first, major >= 0 else { return false }
    guard parts.count > 1, let minor = parts[1] else { return false }
    return major > 0 || minor >= 15
  }
}
