import Foundation

/// The turns of every case and peer, in the order in which they came first.
struct PairedTurns {
  private struct Key: Hashable {
    var name: String
    var implementation: String
    var threads: Int
  }

  /// What the turns of one case and peer say together: the middle one of each number, of two
  /// turns their mean.
  struct Summary {
    var oursMs: Double
    var peerMs: Double
    var ratio: Double
    /// The ratio of every turn.
    var ratios: [Double]

    fileprivate init(_ turns: [PairedRow]) {
      func middle(_ values: [Double]) -> Double { Timing(samples: values).median }
      ratios = turns.map(\.ratio)
      (oursMs, peerMs) = (middle(turns.map(\.oursMs)), middle(turns.map(\.peerMs)))
      ratio = middle(ratios)
    }
  }

  private var order: [Key] = []
  private var turns: [Key: [PairedRow]] = [:]

  var isEmpty: Bool { order.isEmpty }

  mutating func add(_ pair: PairedRow) {
    let key = Key(name: pair.name, implementation: pair.implementation, threads: pair.threads)
    if turns[key] == nil { order.append(key) }
    turns[key, default: []].append(pair)
  }

  /// `nil` without any turn.
  func summary(_ name: String, _ implementation: String, threads: Int) -> Summary? {
    turns[Key(name: name, implementation: implementation, threads: threads)].map(Summary.init)
  }

  static let heading =
    "peer / ours, every turn and the middle one, of two their mean (above 1: ours is faster)"

  var lines: [String] {
    order.compactMap { key in
      guard let summary = summary(key.name, key.implementation, threads: key.threads) else {
        return nil
      }
      return key.name.padded(toAtLeast: 46) + "\(key.threads)".leftPadded(to: 4)
        + key.implementation.leftPadded(to: 32)
        + summary.ratios.map { String(format: "%7.2f", $0) }.joined()
        + String(format: "   middle %.2f", summary.ratio)
    }
  }
}
