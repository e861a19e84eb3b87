import MeteoRAEvaluation

/// Composites: lists of items of different tasks.
struct MixedSamples {
  private let lengths: [Int]
  private let split: TinySplit
  private let lines: (_ line: Int) -> SampleDraws

  /// - Parameter lengths: The numbers of items that a sample may have, all equally likely; at most
  ///   as many as there are tasks.
  init(_ lengths: [Int], _ split: TinySplit, file: String, seed: UInt64) {
    self.lengths = lengths
    self.split = split
    lines = SampleDraws.lines(of: file, seed: seed)
  }

  /// The bytes of a line, from 0 on.
  func line(_ number: Int) throws(CompositeError) -> [UInt8] {
    var draws = lines(number)
    let count = draws.element(of: lengths)
    let items = draws.distinct(count, below: TinyTask.allCases.count).map { place in
      TinyItem.plain(TinyTask.allCases[place], split, from: &draws)
    }
    return try TinySample.mixed(items)
  }
}
