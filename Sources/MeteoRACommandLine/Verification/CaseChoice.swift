import MeteoRASafetensors
import MeteoRAVerification

/// The cases that `--only` asks for: those whose id begins with one of the prefixes.
struct CaseChoice {
  private let prefixes: [String]
  /// Bytes of a prefix, beyond which nothing is near it: ids are shorter, unless they are made up.
  private static let longestPrefix = 256

  /// - Parameter prefixes: None for all cases.
  /// - Throws: ``CommandFailure`` for a prefix that is empty, or that no case begins with.
  init(prefixes: [String], of cases: [GoldenCase]) throws {
    self.prefixes = prefixes
    for prefix in prefixes
    where prefix.isEmpty || !cases.contains(where: { $0.id.utf8.starts(with: prefix.utf8) }) {
      let shown = printableArgument(prefix)
      guard let nearest = nearestName(to: prefix, among: Self.names(of: cases, near: prefix)) else {
        let areas = Self.unique(cases.map { "\($0.area)/" })
        throw CommandFailure(
          "no case begins with '\(shown)'; the areas are " + areas.joined(separator: ", "))
      }
      throw CommandFailure("no case begins with '\(shown)'; did you mean '\(nearest)'?")
    }
  }

  /// Whether a case is asked for.
  func includes(_ golden: GoldenCase) -> Bool {
    prefixes.isEmpty || prefixes.contains { golden.id.utf8.starts(with: $0.utf8) }
  }

  /// What could have been meant: the ids, and what they begin with up to a `/` or before a `-`,
  /// unless that is far longer than the prefix.
  private static func names(of cases: [GoldenCase], near prefix: String) -> [String] {
    let longest = 2 * min(prefix.utf8.count, longestPrefix)
    return unique(
      cases.flatMap { golden in
        let id = Array(golden.id.utf8.prefix(longest + 1))
        let ends = id.indices.compactMap { index in
          switch id[index] {
          case UInt8(ascii: "/"): index + 1
          case UInt8(ascii: "-"): index
          default: nil
          }
        }
        return (ends + [id.count]).filter { $0 <= longest }.map {
          String(decoding: id[..<$0], as: UTF8.self)
        }
      })
  }

  private static func unique(_ names: [String]) -> [String] {
    var known: Set<String> = []
    return names.filter { known.insert($0).inserted }
  }
}
