import MeteoRALlama
import MeteoRASafetensors

// How PEFT finds a module's rank and alpha has changed twice:
//
//   0.15 and later   of rank_pattern, and on its own of alpha_pattern, the first key that matches
//                    (.*\.)?(KEY)$
//   0.14             the same with .*\.KEY$; where none matches, a key that is the path
//   0.10 to 0.13     as 0.14, but one key for both: the first of rank_pattern, then of alpha_pattern
//
// A file seldom says which release trained the adapter. A wrong rank shows in the shapes of its
// tensors, a wrong alpha nowhere but in the results. A key that is ^ and the path of a module is of
// 0.15 or later: behind `.*\.` it matches nothing. That is not so of every key that begins with ^:
// of ^A|B older releases match the B.

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
    private let valuesByKey: [[UInt8]: Value]

    init(
      _ entries: [(key: String, value: Value)], field: String, isOfToday: Bool,
      budget: inout PatternBudget
    ) throws(MeteoRAError) {
      patterns = []
      values = entries.map(\.value)
      valuesByKey = Dictionary(entries.map { (Array($0.key.utf8), $0.value) }) { first, _ in first }
      for (key, _) in entries {
        patterns.append(
          try PathPattern(key, extent: .end, field: "key of \(field)", budget: &budget))
      }
      if isOfToday { return }
      var older: [PathPattern] = []
      for (key, _) in entries {
        older.append(
          try PathPattern(key, extent: .endAfterDot, field: "key of \(field)", budget: &budget))
      }
      olderPatterns = older
    }

    func value(for path: [UInt8], work: inout PatternWork) throws(MeteoRAError) -> Value? {
      for index in patterns.indices where try patterns[index].matches(path, work: &work) {
        return values[index]
      }
      return nil
    }

    fileprivate func value(ofKey key: [UInt8]) -> Value? { valuesByKey[key] }

    fileprivate func olderKey(
      for path: [UInt8], work: inout PatternWork
    ) throws(MeteoRAError) -> [UInt8]? {
      guard let olderPatterns else { return nil }
      for index in olderPatterns.indices where try olderPatterns[index].matches(path, work: &work) {
        return Array(olderPatterns[index].text.utf8)
      }
      return nil
    }
  }

  let ranks: Values<Int>
  let alphas: Values<Double>

  /// What PEFT 0.15 and later choose.
  func choice(for path: [UInt8], work: inout PatternWork) throws(MeteoRAError) -> Choice {
    Choice(
      rank: try ranks.value(for: path, work: &work),
      alpha: try alphas.value(for: path, work: &work))
  }

  /// What releases before 0.15 choose, if they count.
  func olderChoices(
    for path: [UInt8], work: inout PatternWork
  ) throws(MeteoRAError) -> [Choice] {
    if ranks.olderPatterns == nil { return [] }
    let rankKey = try ranks.olderKey(for: path, work: &work)
    let alphaKey = try alphas.olderKey(for: path, work: &work)
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

  /// Whether a key is `^` and the path of a linear module, with or without `$` and `\` before dots.
  static func isOfToday(key: String) -> Bool {
    var path = key.utf8[...]
    guard path.popFirst() == UInt8(ascii: "^") else { return false }
    if path.last == UInt8(ascii: "$") { path.removeLast() }
    let steps = path.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
      Array($0.last == UInt8(ascii: "\\") ? $0.dropLast() : $0)
    }
    guard steps.count > 2, let layer = Int(String(decoding: steps[2], as: UTF8.self)), layer >= 0
    else { return false }
    let plain = steps.joined(separator: [UInt8(ascii: ".")])
    return LinearModule.allCases.contains { $0.path(layer: layer).utf8.elementsEqual(plain) }
  }
}
