import Foundation

/// The times of one case in one turn, ours and a peer's.
struct PairedRow: Codable, Equatable {
  var kind = "pair"
  var name: String
  /// The peer and its form.
  var implementation: String
  var threads: Int
  /// From 1 on.
  var turn: Int
  var oursMs: Double
  var peerMs: Double
  /// The peer's time over ours: above 1, ours is faster.
  var ratio: Double

  enum CodingKeys: String, CodingKey {
    case kind, implementation, threads, turn, oursMs, peerMs, ratio
    case name = "case"
  }

  /// Every row of a peer with ours of the same case and number of threads.
  static func pairs(_ ours: [ResultRow], _ peers: [ResultRow], turn: Int) -> [PairedRow] {
    peers.compactMap { peer in
      let own = ours.first {
        $0.name == peer.name && $0.threads == peer.threads
          && $0.implementation == ResultRow.ours
      }
      return own.map { own in
        PairedRow(
          name: peer.name, implementation: peer.implementation, threads: peer.threads, turn: turn,
          oursMs: own.medianMs, peerMs: peer.medianMs, ratio: peer.medianMs / own.medianMs)
      }
    }
  }

  static let heading =
    "turn  case".padded(to: 52) + " threads" + "peer".leftPadded(to: 32)
    + "    ours ms    peer ms  peer / ours"

  var text: String {
    "\(turn)".padded(to: 6) + name.padded(toAtLeast: 46) + "\(threads)".leftPadded(to: 8)
      + implementation.leftPadded(to: 32)
      + String(format: "%11.3f%11.3f%13.2f", oursMs, peerMs, ratio)
  }
}
