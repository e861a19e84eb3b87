import MeteoRAEvaluation
import MeteoRASafetensors

/// The table of `--each-adapter`: a row for every adapter and the base, a column for every task, and
/// what stands out in it. Of composites the items count.
struct AdapterMatrix {
  /// A number of the table.
  private struct Cell {
    var run: String
    var task: String
    var accuracy: Accuracy
    var isOwn: Bool

    var text: String {
      let share = percent(accuracy.rate)
      return isOwn ? "[\(share)]" : "\(share) "
    }
  }

  /// By row and column.
  private let cells: [[Cell]]
  /// Whether a row is that of the base.
  private let isBase: [Bool]
  private let hasComposites: Bool

  /// - Parameters:
  ///   - modes: At least one.
  ///   - runs: The results of each mode, of the same tasks.
  init(modes: [EvaluationMode], runs: [[TaskResult]]) {
    cells = zip(modes, runs).map { mode, results in
      results.map { result in
        Cell(
          run: printable(mode.label, limit: 80), task: printable(result.task, limit: 80),
          accuracy: result.items ?? result.accuracy,
          isOwn: mode.isAdapter(named: result.task))
      }
    }
    isBase = modes.map { $0 == .model(.noAdapters) }
    hasComposites = runs.contains { $0.contains { $0.items != nil } }
  }

  /// Tasks have numbers, so that the table is not as wide as all of their names.
  var text: String {
    let tasks = cells.first?.map(\.task) ?? []
    var lines = tasks.enumerated().map { "task \($0 + 1)  \($1)" }
    lines += [
      "",
      "% right, of an adapter's own task in brackets"
        + (hasComposites ? "; of composites the share of items" : ""), "",
    ]
    lines += TextTable.lines(
      header: [""] + tasks.indices.map { "\($0 + 1) " }, numeric: Set(1...tasks.count),
      rows: cells.map { row in [row.first?.run ?? ""] + row.map(\.text) })
    lines.append("")
    lines += summary
    return lines.map { $0 + "\n" }.joined()
  }

  /// The worst of what should be high and the best of what should be low.
  private var summary: [String] {
    let adapters = zip(cells, isBase).filter { !$1 }.flatMap(\.0)
    let base = zip(cells, isBase).filter(\.1).flatMap(\.0)
    let others = adapters.filter { !$0.isOwn }
    func byRate(_ first: Cell, _ second: Cell) -> Bool {
      first.accuracy.rate < second.accuracy.rate
    }
    var lines: [String] = []
    if let lowest = adapters.filter(\.isOwn).min(by: byRate) {
      lines.append("lowest on its own task    \(lowest.accuracy)  \(lowest.run)")
    }
    if let highest = others.max(by: byRate) {
      lines.append(
        "highest on another task   \(highest.accuracy)  \(highest.run) on \(highest.task)")
    }
    if let highest = base.max(by: byRate) {
      lines.append("highest of the base       \(highest.accuracy)  on \(highest.task)")
    }
    return lines
  }
}

extension EvaluationMode {
  /// Whether the adapter of a name runs alone.
  fileprivate func isAdapter(named name: String) -> Bool {
    guard case .model(.singleAdapter(let adapter)) = self else { return false }
    return adapter.utf8.elementsEqual(name.utf8)
  }
}
