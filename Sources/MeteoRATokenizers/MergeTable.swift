// MergeTable: which neighbours merge, into what, and in what order; and the merging itself.
//
// A merge is a number: rank << 32 | id of the merged token. Byte-pair encoding is: as long as any
// neighbours merge, merge the pair with the lowest rank, the leftmost of equal ones. Two ways to
// the same result:
//
//   short words    scan all pairs for the lowest, merge, close the gap               O(n²), n small
//   longer ones    a heap of (merge, place), neighbours in a doubly linked list      O(n log n)

/// The merges of a byte-pair model by the ids of the two neighbours.
struct MergeTable: Sendable {
  /// No merge.
  static let none = UInt64.max

  private struct Slot {
    var pair: UInt64
    var merge: UInt64
  }

  /// Open addressing; `merge` is ``none`` where nothing is. The count is a power of two.
  private var slots: [Slot]
  private let key: UInt64

  init(minimumCapacity: Int) {
    var capacity = 16
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    slots = [Slot](repeating: Slot(pair: 0, merge: Self.none), count: capacity)
    key = .random(in: .min ... .max)
  }

  /// Adds a merge; of two for the same pair the later one holds. At most as many as promised.
  ///
  /// - Parameter rank: Less than 2³² − 1.
  mutating func insert(_ left: UInt32, _ right: UInt32, rank: UInt32, id: UInt32) {
    let pair = UInt64(left) << 32 | UInt64(right)
    let mask = slots.count - 1
    var slot = Self.home(of: pair, key: key) & mask
    while slots[slot].merge != Self.none && slots[slot].pair != pair { slot = (slot + 1) & mask }
    slots[slot] = Slot(pair: pair, merge: UInt64(rank) << 32 | UInt64(id))
  }

  private static func home(of pair: UInt64, key: UInt64) -> Int {
    let product = (pair ^ key).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: product.high ^ product.low)
  }

  /// Merges neighbours of `symbols[start...]` until none are left that merge.
  func merge(_ symbols: inout [UInt32], from start: Int) {
    let count = symbols.count - start
    if count < 2 { return }
    slots.withUnsafeBufferPointer { slots in
      let lookup = Lookup(slots: slots, mask: slots.count - 1, key: key)
      let left =
        count <= Self.longestScanned
        ? lookup.mergeByScanning(&symbols, from: start)
        : lookup.mergeByHeap(&symbols, from: start)
      symbols.removeSubrange((start + left)...)
    }
  }

  /// Merges all neighbours, and tells of every pair that could merge at some moment, from left to
  /// right in the beginning and then around each merge.
  ///
  /// - Parameter noting: Takes the two symbols and the one that they would become.
  func merge(
    _ symbols: inout [UInt32], noting: (_ left: UInt32, _ right: UInt32, _ whole: UInt32) -> Void
  ) {
    if symbols.count < 2 { return }
    withoutActuallyEscaping(noting) { noting in
      slots.withUnsafeBufferPointer { slots in
        let lookup = Lookup(slots: slots, mask: slots.count - 1, key: key)
        let left = lookup.mergeByHeap(&symbols, from: 0) {
          noting($0, $1, UInt32(truncatingIfNeeded: $2))
        }
        symbols.removeSubrange(left...)
      }
    }
  }

  /// Above this number of symbols the heap is faster.
  private static let longestScanned = 48

  // MARK: Merging

  private struct Lookup {
    let slots: UnsafeBufferPointer<Slot>
    let mask: Int
    let key: UInt64

    @inline(__always)
    func merge(of left: UInt32, _ right: UInt32) -> UInt64 {
      let pair = UInt64(left) << 32 | UInt64(right)
      var slot = MergeTable.home(of: pair, key: key) & mask
      while slots[slot].pair != pair && slots[slot].merge != MergeTable.none {
        slot = (slot + 1) & mask
      }
      return slots[slot].merge
    }

    /// - Returns: The number of symbols left, at the beginning.
    func mergeByScanning(_ symbols: inout [UInt32], from start: Int) -> Int {
      var count = symbols.count - start
      return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { merges in
        symbols.withUnsafeMutableBufferPointer { all in
          let symbols = UnsafeMutableBufferPointer(rebasing: all[start...])
          for index in 0..<count - 1 {
            merges[index] = merge(of: symbols[index], symbols[index + 1])
          }
          while true {
            var lowest = MergeTable.none >> 32
            var place = 0
            for index in 0..<count - 1 where merges[index] >> 32 < lowest {
              lowest = merges[index] >> 32
              place = index
            }
            if lowest == MergeTable.none >> 32 { return count }
            symbols[place] = UInt32(truncatingIfNeeded: merges[place])
            count -= 1
            for index in place + 1..<max(count, place + 1) {
              symbols[index] = symbols[index + 1]
              merges[index - 1] = merges[index]
            }
            if place > 0 { merges[place - 1] = merge(of: symbols[place - 1], symbols[place]) }
            if place + 1 < count { merges[place] = merge(of: symbols[place], symbols[place + 1]) }
          }
        }
      }
    }

    /// - Parameter noting: Told the neighbours and the merge of every pair that enters the contest.
    /// - Returns: The number of symbols left, at the beginning.
    func mergeByHeap(
      _ symbols: inout [UInt32], from start: Int,
      noting: ((UInt32, UInt32, UInt64) -> Void)? = nil
    ) -> Int {
      let count = symbols.count - start
      // The neighbours of the symbol at a place; count and −1 beyond the ends.
      var next = Array(1...count)
      var previous = Array(-1..<count - 1)
      // The merge of the symbol at a place with its next one. A heap entry that differs is stale.
      var merges = [UInt64](repeating: MergeTable.none, count: count)
      var heap = MergeHeap()
      for place in 0..<count - 1 {
        merges[place] = merge(of: symbols[start + place], symbols[start + place + 1])
        if merges[place] != MergeTable.none {
          noting?(symbols[start + place], symbols[start + place + 1], merges[place])
          heap.append(merge: merges[place], place: place)
        }
      }
      heap.establishOrder()
      while let (lowest, place) = heap.removeFirst() {
        if merges[place] != lowest { continue }
        let absorbed = next[place]
        let following = next[absorbed]
        symbols[start + place] = UInt32(truncatingIfNeeded: lowest)
        next[place] = following
        merges[absorbed] = MergeTable.none
        merges[place] = MergeTable.none
        let before = previous[place]
        if before >= 0 {
          let found = merge(of: symbols[start + before], symbols[start + place])
          merges[before] = found
          if found != MergeTable.none {
            noting?(symbols[start + before], symbols[start + place], found)
            heap.insert(merge: found, place: before)
          }
        }
        if following < count {
          previous[following] = place
          let found = merge(of: symbols[start + place], symbols[start + following])
          merges[place] = found
          if found != MergeTable.none {
            noting?(symbols[start + place], symbols[start + following], found)
            heap.insert(merge: found, place: place)
          }
        }
      }
      var left = 0
      var place = 0
      while place < count {
        symbols[start + left] = symbols[start + place]
        left += 1
        place = next[place]
      }
      return left
    }
  }
}

/// A binary heap: the lowest rank first, the leftmost of equal ones.
private struct MergeHeap {
  private struct Entry {
    var merge: UInt64
    var place: Int

    @inline(__always)
    func isBefore(_ other: Entry) -> Bool {
      let (rank, otherRank) = (merge >> 32, other.merge >> 32)
      return rank != otherRank ? rank < otherRank : place < other.place
    }
  }

  private var entries: [Entry] = []

  /// Adds an entry without keeping the order.
  mutating func append(merge: UInt64, place: Int) {
    entries.append(Entry(merge: merge, place: place))
  }

  mutating func establishOrder() {
    entries.withUnsafeMutableBufferPointer { entries in
      for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) {
        Self.sink(entries[index], from: index, in: entries)
      }
    }
  }

  mutating func insert(merge: UInt64, place: Int) {
    let entry = Entry(merge: merge, place: place)
    entries.append(entry)
    entries.withUnsafeMutableBufferPointer { entries in
      var index = entries.count - 1
      while index > 0 {
        let parent = (index - 1) / 2
        if !entry.isBefore(entries[parent]) { break }
        entries[index] = entries[parent]
        index = parent
      }
      entries[index] = entry
    }
  }

  mutating func removeFirst() -> (merge: UInt64, place: Int)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    if !entries.isEmpty {
      entries.withUnsafeMutableBufferPointer { Self.sink(last, from: 0, in: $0) }
    }
    return (first.merge, first.place)
  }

  /// Puts an entry where it belongs at or below `start`, whose own entry is lost.
  private static func sink(
    _ entry: Entry, from start: Int, in entries: UnsafeMutableBufferPointer<Entry>
  ) {
    var index = start
    while true {
      var child = 2 * index + 1
      if child >= entries.count { break }
      if child + 1 < entries.count && entries[child + 1].isBefore(entries[child]) { child += 1 }
      if !entries[child].isBefore(entry) { break }
      entries[index] = entries[child]
      index = child
    }
    entries[index] = entry
  }
}
