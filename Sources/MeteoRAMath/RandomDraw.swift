/// Random whole numbers that are a function of what they are for.
///
/// A number below `bound` comes from the words c[0] … c[3] of Philox4x32-10 with
///
///     key     = (seed mod 2³², seed / 2³²)
///     counter = (index, epoch, block, purpose)          block = 0, 1, …
///
/// The first word below ⌊2³² / bound⌋ · bound counts, in the order c[0] … c[3] of block 0, then of
/// block 1, and so on. The number is that word modulo `bound`, so that all are equally likely.
package struct RandomDraw: Sendable {
  /// What a number is for. 0 are the draws of generation, 3 the masks of dropout, 4 the weights that
  /// training begins with.
  package enum Purpose: UInt32, Sendable {
    /// The order of samples in an epoch.
    case order = 1
    /// The choice of some samples of a task.
    case choice = 2
    /// What a made-up sample says.
    case content = 5
  }

  package let seed: UInt64
  package let purpose: Purpose
  package let epoch: UInt32

  package init(seed: UInt64, purpose: Purpose, epoch: UInt32) {
    self.seed = seed
    self.purpose = purpose
    self.epoch = epoch
  }

  /// A number from 0 to `bound − 1`.
  ///
  /// - Parameter bound: At least 1.
  package func number(below bound: UInt32, index: UInt32) -> UInt32 {
    let key: SIMD2<UInt32> = [
      UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32),
    ]
    let limit = (1 << 32) / UInt64(bound) * UInt64(bound)
    var block: UInt32 = 0
    while true {
      let words = Philox.words(counter: [index, epoch, block, purpose.rawValue], key: key)
      for place in 0..<4 where UInt64(words[place]) < limit { return words[place] % bound }
      block &+= 1
    }
  }

  /// The numbers from 0 to `count − 1` in a random order, by Fisher and Yates:
  ///
  ///     numbers = 0, 1, …, count − 1
  ///     for i = count − 1, …, 1:   swap numbers[i] with numbers[the number below i + 1 of index i]
  ///
  /// - Parameter count: At most 2³² − 1.
  package func permutation(_ count: Int) -> [UInt32] {
    var numbers = (0..<UInt32(count)).map(\.self)
    for i in stride(from: count - 1, to: 0, by: -1) {
      let other = number(below: UInt32(i + 1), index: UInt32(i))
      numbers.swapAt(i, Int(other))
    }
    return numbers
  }
}
