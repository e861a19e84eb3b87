import MeteoRASafetensors

extension VerificationReport {
  /// A table of the cases of every area and tier, and what the tiers mean; then the table of
  /// ``truthSummary`` with its legend, if truth cases were judged.
  public var summary: [String] {
    let truth = truthTable
    return caseTable + tierMeanings + (truth.isEmpty ? [] : [""] + truth)
  }

  private var caseTable: [String] {
    var order: [[String]] = []
    var groups: [[String]: [CaseReport]] = [:]
    for report in cases {
      let area = report.id.utf8.prefix { $0 != UInt8(ascii: "/") }
      let key = [String(decoding: area, as: UTF8.self), report.tier]
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(report)
    }
    let columns: [(title: String, counts: (CaseReport) -> Bool)] = [
      ("cases", { _ in true }), ("passed", { $0.verdict == .passed }),
      ("failed", \.isFailure), ("missing", \.isMissing), ("left out", { $0.verdict == .notJudged }),
    ]
    // Nothing failed, missing or left out needs no column of zeros.
    let shown = columns.prefix(2) + columns.dropFirst(2).filter { cases.contains(where: $0.counts) }
    let rows = order.map { key in
      key + shown.map { column in "\((groups[key] ?? []).count(where: column.counts))" }
    }
    return Self.table([["area", "tier"] + shown.map(\.title)] + rows, leading: 2)
  }

  /// A line for every tier that the manifest explains.
  private var tierMeanings: [String] {
    var rows: [[String]] = []
    for tier in Set(cases.map(\.tier)).sorted() {
      if let meaning = flags[tier] { rows.append([tier, printable(meaning)]) }
    }
    return rows.isEmpty ? [] : [""] + Self.table(rows, leading: 2)
  }

  /// Rows of equally many cells as lines, the columns below each other.
  ///
  /// - Parameter leading: Columns whose cells begin below each other; those of the others end so.
  static func table(_ rows: [[String]], leading: Int) -> [String] {
    guard let head = rows.first else { return [] }
    let widths = head.indices.map { column in
      rows.map { $0[column].unicodeScalars.count }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(
          repeating: " ", count: widths[column] - cell.unicodeScalars.count)
        if column > 0 { line += "  " }
        // No line ends in spaces.
        let isLast = column == row.count - 1
        line += column < leading ? cell + (isLast ? "" : padding) : padding + cell
      }
      return line
    }
  }
}
