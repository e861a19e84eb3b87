import Foundation

/// One measured case; peers print the same object, without what they do not know.
struct ResultRow: Codable, Equatable {
  var kind = "row"
  /// What was computed, in parts from the general to the particular: "product/f32/4096x4096/16".
  var name: String
  /// Who computed it: ``ours``, or a peer and its form.
  var implementation: String
  var threads: Int
  var medianMs: Double
  var spreadMs: Double
  var samples: Int
  var gflops: Double?
  var gigabytesPerSecond: Double?
  var tokensPerSecond: Double?
  /// The least time at the peak measured in the same run.
  var rooflineMs: Double?
  /// Bytes beside inputs, weights and outputs, at the worst moment, in 10⁶.
  var extraMegabytes: Double?
  /// The most memory of the process since its start, and the weights as they are stored, in 10⁶.
  var peakMegabytes: Double?
  var weightMegabytes: Double?
  /// The time over that of the plain model.
  var timesPlain: Double?
  /// "equal" if the bits were compared with the definition's.
  var bits: String?

  enum CodingKeys: String, CodingKey {
    case kind, implementation, threads, medianMs, spreadMs, samples, gflops, gigabytesPerSecond
    case tokensPerSecond, rooflineMs, extraMegabytes, peakMegabytes, weightMegabytes
    case timesPlain, bits
    case name = "case"
  }

  /// What ``implementation`` says of this package.
  static let ours = "meteora"

  init(
    _ name: String, implementation: String = ResultRow.ours, threads: Int, timing: Timing,
    work: Work? = nil, peak: MachinePeak? = nil, extraBytes: Int? = nil, bits: String? = nil
  ) {
    self.name = name
    self.implementation = implementation
    self.threads = threads
    self.bits = bits
    medianMs = timing.median * 1e3
    spreadMs = timing.spread * 1e3
    samples = timing.count
    extraMegabytes = extraBytes.map { Double($0) / 1e6 }
    if let work, let peak { add(work, at: peak) }
  }

  /// Tells the time by what was done in it, and by the least that it takes.
  mutating func add(_ work: Work, at peak: MachinePeak) {
    let timing = Timing(samples: [medianMs / 1e3])
    if work.flops > 0 { gflops = timing.billions(work.flops) }
    if work.bytes > 0 { gigabytesPerSecond = timing.billions(work.bytes) }
    tokensPerSecond = work.tokens.map { Double($0) / timing.median }
    rooflineMs = work.roofline(at: peak) * 1e3
  }

  /// The share of the machine's limit that was reached.
  var rooflineShare: Double? { rooflineMs.map { $0 / medianMs } }

  static let heading =
    "case".padded(to: 60) + "      median ms            GFLOP/s   GB/s   tokens/s  "
    + "roofline ms  reached  extra MB  bits"

  var text: String {
    let title = implementation == Self.ours ? name : "\(name) (\(implementation))"
    return title.padded(toAtLeast: 60)
      + String(format: "%10.3f ± %8.3f", medianMs, spreadMs)
      + column(gflops, 11, "%.1f") + column(gigabytesPerSecond, 7, "%.1f")
      + column(tokensPerSecond, 11, "%.1f") + column(rooflineMs, 13, "%.3f")
      + column(rooflineShare.map { $0 * 100 }, 8, "%.0f%%") + column(extraMegabytes, 10, "%.1f")
      + (bits.map { "  " + $0 } ?? "")
      + (timesPlain.map { String(format: "  %.2f × plain", $0) } ?? "")
      + (peakMegabytes.map { String(format: "  peak %.0f MB", $0) } ?? "")
      + (weightMegabytes.map { String(format: " for %.0f MB of weights", $0) } ?? "")
  }

  private func column(_ value: Double?, _ width: Int, _ format: String) -> String {
    (value.map { String(format: format, $0) } ?? "–").leftPadded(to: width)
  }
}
