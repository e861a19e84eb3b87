import MeteoRAMath

/// The order in which samples are trained on: endless, fixed by a seed, and entered at any place.
///
/// Every epoch goes through all samples, in a random order of its own. There is no state but the
/// position: the number of samples taken so far.
package struct SampleOrder: Sendable {
  /// The number of samples.
  package let count: Int
  package let seed: UInt64
  /// The number of samples taken so far.
  package private(set) var position: Int
  private var epochOrder: [UInt32]
  private var orderedEpoch: Int

  /// As many samples as there can be.
  package static let largestCount = Int(Int32.max)

  /// - Parameter position: Where to begin.
  /// - Throws: ``TrainingDataError/setting(_:found:expected:)`` for no sample or too many, and for a
  ///   position of 2³² epochs or more.
  package init(count: Int, seed: UInt64, position: Int = 0) throws(TrainingDataError) {
    let counts = 1...Self.largestCount
    guard counts.contains(count) else {
      throw .setting("the number of samples", found: count, expected: counts)
    }
    let positions = 0...(count << 32) - 1
    guard positions.contains(position) else {
      throw .setting("the number of samples taken", found: position, expected: positions)
    }
    self.count = count
    self.seed = seed
    self.position = position
    orderedEpoch = position / count
    epochOrder = Self.order(of: count, epoch: orderedEpoch, seed: seed)
  }

  /// The number of times that all samples were taken.
  package var epoch: Int { position / count }

  /// Takes the next sample.
  ///
  /// - Returns: Its index.
  package mutating func next() -> Int {
    if epoch != orderedEpoch {
      orderedEpoch = epoch
      epochOrder = Self.order(of: count, epoch: epoch, seed: seed)
    }
    defer { position += 1 }
    return Int(epochOrder[position % count])
  }

  private static func order(of count: Int, epoch: Int, seed: UInt64) -> [UInt32] {
    RandomDraw(seed: seed, purpose: .order, epoch: UInt32(truncatingIfNeeded: epoch))
      .permutation(count)
  }

  /// Some samples of a task, ascending: the first `amount` of a random order of all; all, if there
  /// are no more.
  ///
  /// They depend on nothing but the seed and the number of the task's samples.
  static func chosen(_ amount: Int, of count: Int, seed: UInt64) -> [Int] {
    RandomDraw(seed: seed, purpose: .choice, epoch: 0).permutation(count).prefix(amount)
      .map(Int.init).sorted()
  }
}
