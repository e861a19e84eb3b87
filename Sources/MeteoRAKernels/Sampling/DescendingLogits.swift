// The ids of a vocabulary by descending logit, as far as somebody asks.
//
// A key of 64 bits holds a logit, so that larger ones have smaller keys, above the id: no two keys
// are equal. They are put into 4096 buckets by their upper 12 bits (sign, exponent and the first
// three bits of the fraction), and a bucket is sorted when it is reached: the few tokens that carry
// most of the probability cost no sort of the whole vocabulary.

/// Ids in the order of their logits: the largest first, of equal ones the lower id; −0 equals +0.
struct DescendingLogits: Sequence, IteratorProtocol {
  private var keys: [UInt64]
  /// Where each bucket ends.
  private var ends: [Int]
  private var bucket = -1
  private var position = 0

  private static let bucketCount = 4096

  /// - Parameter logits: Fewer than 2³² of them, none NaN.
  init(_ logits: [Float]) {
    keys = [UInt64](repeating: 0, count: logits.count)
    ends = [Int](repeating: 0, count: Self.bucketCount)
    for logit in logits { ends[Self.bucket(of: Self.rank(of: logit))] += 1 }
    var start = 0
    for bucket in ends.indices {
      (ends[bucket], start) = (start, start + ends[bucket])
    }
    // Each start moves to the bucket's end while the bucket fills.
    for (id, logit) in logits.enumerated() {
      let rank = Self.rank(of: logit)
      let bucket = Self.bucket(of: rank)
      keys[ends[bucket]] = UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: id))
      ends[bucket] += 1
    }
  }

  mutating func next() -> Int? {
    guard position < keys.count else { return nil }
    while bucket < 0 || position == ends[bucket] {
      bucket += 1
      let range = position..<ends[bucket]
      keys.withUnsafeMutableBufferPointer { keys in
        var found = UnsafeMutableBufferPointer(rebasing: keys[range])
        found.sort()
      }
    }
    defer { position += 1 }
    return Int(UInt32(truncatingIfNeeded: keys[position]))
  }

  /// A number that is smaller for a larger logit.
  private static func rank(of logit: Float) -> UInt32 {
    // Adding +0 makes −0 to +0.
    let bits = (logit + 0).bitPattern
    return bits >> 31 == 0 ? ~(bits | 0x8000_0000) : bits
  }

  private static func bucket(of rank: UInt32) -> Int { Int(rank >> 20) }
}
