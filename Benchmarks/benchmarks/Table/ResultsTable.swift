import Foundation

/// The rows of one group of cases, ours alone.
struct ResultsTable {
  private let own: [ResultRow]

  /// - Parameter rows: Of any implementation.
  init(_ rows: [ResultRow]) {
    own = MeasuredCases(rows.filter { $0.implementation == ResultRow.ours }).middles
  }

  /// What can be told of a row; columns that stay empty are left out.
  private typealias Fact = (title: String, value: @Sendable (ResultRow) -> String?)

  private static let facts: [Fact] = [
    ("ms", { row in milliseconds(row) }),
    ("GFLOP/s", { $0.gflops.map { String(format: "%.1f", $0) } }),
    ("GB/s", { $0.gigabytesPerSecond.map { String(format: "%.1f", $0) } }),
    ("tokens/s", { $0.tokensPerSecond.map { String(format: "%.1f", $0) } }),
    ("limit, ms", { $0.rooflineMs.map { String(format: "%.3f", $0) } }),
    ("of the limit", { $0.rooflineShare.map(share) }),
    ("extra MB", { $0.extraMegabytes.map { String(format: "%.1f", $0) } }),
  ]

  private static let memory: [Fact] = [
    ("peak MB", { $0.peakMegabytes.map { String(format: "%.0f", $0) } }),
    ("weights MB", { $0.weightMegabytes.map { String(format: "%.0f", $0) } }),
  ]

  private static func milliseconds(_ row: ResultRow) -> String {
    let time = String(format: "%.3f", row.medianMs)
    return row.samples == 1 ? time + " once" : time + String(format: " ± %.3f", row.spreadMs)
  }

  /// More than a little above the limit says that the limit is wrong, not by how much.
  private static func share(_ share: Double) -> String {
    share > 1.05 ? "> 100 %" : String(format: "%.0f %%", share * 100)
  }

  /// Empty if no row is ours.
  var text: String {
    if own.isEmpty { return "" }
    var facts: [Fact] = Self.facts
    facts.append(("× plain", { row in self.timesPlain(row) }))
    facts += Self.memory
    let columns = facts.filter { fact in own.contains { fact.value($0) != nil } }
    return MarkdownTable.text(
      header: ["case", "threads"] + columns.map(\.title),
      rows: own.map { row in
        [row.name, "\(row.threads)"] + columns.map { $0.value(row) ?? "" }
      })
  }

  /// The time of a model with adapters over that of the row of the model alone, in this table.
  private func timesPlain(_ row: ResultRow) -> String? {
    let adapters = "/\(ModelCase.adapterCount)adapters/"
    guard row.name.contains(adapters) else { return nil }
    let name = row.name.replacing(adapters, with: "/plain/")
    let plain = own.first { $0.name == name && $0.threads == row.threads }
    return plain.map { String(format: "%.2f", row.medianMs / $0.medianMs) }
  }
}

/// Rows of a page, sorted for its tables.
struct MeasuredCases {
  /// One of each case, number of threads and implementation, in the order in which they came
  /// first: the row with the middle time, of an even number the slower one in the middle.
  let middles: [ResultRow]

  private struct Key: Hashable {
    var name: String
    var threads: Int
    var implementation: String
  }

  init(_ rows: [ResultRow]) {
    var order: [Key] = []
    var found: [Key: [ResultRow]] = [:]
    for row in rows {
      let key = Key(name: row.name, threads: row.threads, implementation: row.implementation)
      if found[key] == nil { order.append(key) }
      found[key, default: []].append(row)
    }
    middles = order.compactMap { key in
      let sorted = (found[key] ?? []).sorted { $0.medianMs < $1.medianMs }
      return sorted.isEmpty ? nil : sorted[sorted.count / 2]
    }
  }

  /// Groups of cases that use one thread, whatever is asked for.
  private static let serial: Set = ["softmax", "sampling"]

  /// Rows by the first part of their names, in the order in which they came first; without those
  /// that more threads than they use would list again.
  static func groups(of rows: [ResultRow]) -> [(String, [ResultRow])] {
    var groups: [(String, [ResultRow])] = []
    for row in rows {
      let name = String(row.name.prefix { $0 != "/" })
      if serial.contains(name), row.threads > 1 { continue }
      if let index = groups.firstIndex(where: { $0.0 == name }) {
        groups[index].1.append(row)
      } else {
        groups.append((name, [row]))
      }
    }
    return groups
  }
}

/// Tables of Markdown: the first column flush left, the others right.
enum MarkdownTable {
  static func text(header: [String], rows: [[String]]) -> String {
    let rule = header.indices.map { $0 == 0 ? "---" : "--:" }
    return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }
}
