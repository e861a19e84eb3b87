import Foundation

/// The rows of one group of cases: ours, and each peer's beside it.
struct ResultsTable {
  private let rows: [ResultRow]
  private let ratios: PairedRatios

  init(_ rows: [ResultRow], ratios: PairedRatios) {
    self.rows = rows
    self.ratios = ratios
  }

  /// Rows by the first part of their names, in the order in which they came first.
  static func groups(of rows: [ResultRow]) -> [(String, [ResultRow])] {
    var groups: [(String, [ResultRow])] = []
    for row in rows {
      let name = String(row.name.prefix { $0 != "/" })
      if let index = groups.firstIndex(where: { $0.0 == name }) {
        groups[index].1.append(row)
      } else {
        groups.append((name, [row]))
      }
    }
    return groups
  }

  private struct Case: Hashable {
    var name: String
    var threads: Int
  }

  /// What can be told of a row; columns that stay empty are left out.
  private static let facts: [(title: String, value: @Sendable (ResultRow) -> String?)] = [
    ("ms", { String(format: "%.3f ± %.3f", $0.medianMs, $0.spreadMs) }),
    ("GFLOP/s", { $0.gflops.map { String(format: "%.1f", $0) } }),
    ("GB/s", { $0.gigabytesPerSecond.map { String(format: "%.1f", $0) } }),
    ("tokens/s", { $0.tokensPerSecond.map { String(format: "%.1f", $0) } }),
    ("limit, ms", { $0.rooflineMs.map { String(format: "%.3f", $0) } }),
    ("of the limit", { $0.rooflineShare.map { String(format: "%.0f %%", $0 * 100) } }),
    ("extra MB", { $0.extraMegabytes.map { String(format: "%.1f", $0) } }),
    ("× plain", { $0.timesPlain.map { String(format: "%.2f", $0) } }),
    ("peak MB", { $0.peakMegabytes.map { String(format: "%.0f", $0) } }),
    ("weights MB", { $0.weightMegabytes.map { String(format: "%.0f", $0) } }),
  ]

  var text: String {
    var order: [Case] = []
    var peers: [String] = []
    var found: [Case: [String: [ResultRow]]] = [:]
    for row in rows {
      let key = Case(name: row.name, threads: row.threads)
      if found[key] == nil { order.append(key) }
      found[key, default: [:]][row.implementation, default: []].append(row)
      if row.implementation != ResultRow.ours, !peers.contains(row.implementation) {
        peers.append(row.implementation)
      }
    }
    let own = order.map { found[$0]?[ResultRow.ours].flatMap(Self.middle) }
    let columns = Self.facts.filter { fact in own.contains { $0.flatMap(fact.value) != nil } }
    let cells = zip(order, own).map { key, own in
      [key.name, "\(key.threads)"] + columns.map { own.flatMap($0.value) ?? "" }
        + peers.map { peer in
          cell(found[key]?[peer].flatMap(Self.middle), besides: own)
        }
    }
    return MarkdownTable.text(
      header: ["case", "threads"] + columns.map(\.title) + peers.map { "\($0), ms" }, rows: cells)
  }

  /// Of the rows of several turns, the one with the middle time.
  private static func middle(_ rows: [ResultRow]) -> ResultRow? {
    let sorted = rows.sorted { $0.medianMs < $1.medianMs }
    return sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }

  private func cell(_ peer: ResultRow?, besides own: ResultRow?) -> String {
    guard let peer else { return "" }
    let ratio =
      ratios.median(peer.name, peer.implementation, threads: peer.threads)
      ?? own.map { peer.medianMs / $0.medianMs }
    return String(format: "%.3f", peer.medianMs)
      + (ratio.map { String(format: " (%.2f)", $0) } ?? "")
  }
}

/// Tables of Markdown: the first column flush left, the others right.
enum MarkdownTable {
  static func text(header: [String], rows: [[String]]) -> String {
    let rule = header.indices.map { $0 == 0 ? "---" : "--:" }
    return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }
}
