import MeteoRAMath

/// The whole proof of one function, divided among workers.
struct ProofWork: Sendable {
  private static let randomPairChunks = 100

  private let function: String
  private let oneArgument: OneArgumentProof?
  private let pow = PowProof()

  init(function: String) {
    self.function = function
    oneArgument = OneArgumentFunction(rawValue: function).map { OneArgumentProof($0) }
  }

  /// The share of one worker: chunks `worker`, `worker + workers`, … of those that are asked for.
  func tally(worker: Int, of workers: Int, every step: Int) -> Tally {
    var tally = Tally()
    let chunkCount = oneArgument == nil ? Self.randomPairChunks : OneArgumentProof.chunkCount
    for chunk in stride(from: worker * step, to: chunkCount, by: workers * step) {
      var part = Tally()
      if let oneArgument {
        oneArgument.judge(chunk: chunk, into: &part)
      } else {
        if chunk == 0 { pow.judgeRotaryFrequencies(into: &part) }
        pow.judgeRandomPairs(chunk: chunk, into: &part)
      }
      tally.merge(part)
    }
    return tally
  }

  /// Seeded arguments with their results, for a judge of another kind.
  ///
  /// Every fourth argument has random bits, the others have a magnitude between 2⁻³⁰ and 2⁷ (for exp:
  /// up to 2⁶·⁷), where results are neither trivial nor out of range.
  func samples(_ count: Int) -> [Record] {
    guard let kind = OneArgumentFunction(rawValue: function) else {
      var pairs = PairGenerator(seed: 1 << 32)
      return (0..<count).map { _ in
        let (x, y) = pairs.next()
        let result = CorrectlyRounded.pow(x, y)
        return Record(function: function, x: x, y: y, result: result, share: .nan)
      }
    }
    var random = SplitMix64(seed: 1 << 32)
    let (low, high) = (Float(0x1p-30).bitPattern, Float(104).bitPattern)
    return (0..<count).map { index in
      var bits = UInt32(truncatingIfNeeded: random.next())
      if index % 4 != 0 { bits = bits & 1 << 31 | low + bits % (high - low) }
      let x = Float(bitPattern: bits)
      return Record(function: function, x: x, y: nil, result: kind(x), share: .nan)
    }
  }
}
