import Foundation

/// The cases of one group that other implementations ran too, a row for each of them.
///
/// Where they ran in turn with ours, both times are of those turns: the table of all our rows may
/// have another time of ours, from another moment of the machine.
struct PeersTable {
  private let rows: [ResultRow]
  private let turns: PairedTurns

  init(_ rows: [ResultRow], turns: PairedTurns) {
    self.rows = MeasuredCases(rows).middles
    self.turns = turns
  }

  /// Empty if there is no peer.
  var text: String {
    var cells: [[String]] = []
    for own in rows where own.implementation == ResultRow.ours {
      for peer in rows
      where peer.name == own.name && peer.threads == own.threads
        && peer.implementation != ResultRow.ours
      {
        cells.append(line(peer, besides: own))
      }
    }
    if cells.isEmpty { return "" }
    return MarkdownTable.text(
      header: ["case", "threads", "peer", "peer, ms", "ours, ms", "peer / ours", "turn by turn"],
      rows: cells)
  }

  private func line(_ peer: ResultRow, besides own: ResultRow) -> [String] {
    let summary = turns.summary(peer.name, peer.implementation, threads: peer.threads)
    let (peerMs, ownMs) = (summary?.peerMs ?? peer.medianMs, summary?.oursMs ?? own.medianMs)
    let ratios = summary?.ratios.map { String(format: "%.2f", $0) }.joined(separator: ", ")
    return [
      own.name, "\(own.threads)", peer.implementation, String(format: "%.3f", peerMs),
      String(format: "%.3f", ownMs), String(format: "%.2f", summary?.ratio ?? peerMs / ownMs),
      ratios ?? "not in turns",
    ]
  }
}
