import Foundation

// WorkingMemory: blocks that buffers of one layer leave to those of the next.
//
//   take ──▶ a kept block of 1 to 2 times the size, or else new memory     64 KiB and more
//   give back ──▶ kept, up to 128 MiB in all; the oldest go back to the system
//
// A block holds what its last user left: a buffer is written before it is read.

/// Memory of buffers that come and go with every layer.
///
/// What is given back is kept for the next buffer of about that size: memory that is new to the
/// process costs a page fault for every 4 KiB, more than what a product writes there.
package enum WorkingMemory {
  struct Block {
    var address: UnsafeMutableRawPointer
    var capacity: Int
    /// What the allocator gave, if it did; or else the block is in large pages.
    var allocation: UnsafeMutableRawPointer?
  }

  /// Smaller buffers are the allocator's own business.
  static let leastByteCount = 64 << 10

  /// Bytes that are kept, at most, while nobody uses them.
  static let mostKept = 128 << 20

  private static let pool = Pool()

  /// A block of at least `byteCount` bytes, not initialised, at the alignment of a cache line.
  static func take(byteCount: Int) -> Block {
    if let block = pool.take(byteCount: byteCount) { return block }
    // Sizes that differ little share their blocks.
    let capacity = (byteCount + leastByteCount - 1) / leastByteCount * leastByteCount
    if capacity >= LargePages.byteCount, let pages = LargePages.allocate(byteCount: capacity) {
      return Block(address: pages, capacity: capacity)
    }
    let (allocation, address) = AlignedMemory.allocate(byteCount: capacity)
    return Block(address: address, capacity: capacity, allocation: allocation)
  }

  /// Bytes that are kept now.
  static var keptByteCount: Int { pool.keptByteCount }

  /// Gives back to the system what is kept while nobody uses it.
  package static func releaseUnused() { release(pool.empty()) }

  /// Takes back what ``take(byteCount:)`` gave.
  static func giveBack(_ block: Block) { release(pool.keep(block, atMost: mostKept)) }

  private static func release(_ blocks: [Block]) {
    for block in blocks {
      if let allocation = block.allocation {
        allocation.deallocate()
      } else {
        LargePages.free(block.address, byteCount: block.capacity)
      }
    }
  }

  /// Blocks that nobody uses, in the order in which they came.
  final class Pool: @unchecked Sendable {
    // Unchecked: everything variable is touched under the lock.
    private let lock = NSLock()
    private var blocks: [Block] = []
    private var byteCount = 0

    var keptByteCount: Int { lock.withLock { byteCount } }

    /// The smallest block that fits and is not more than twice as large.
    func take(byteCount wanted: Int) -> Block? {
      lock.withLock {
        var best: Int?
        for (index, block) in blocks.enumerated()
        where block.capacity >= wanted && block.capacity / 2 <= wanted {
          if let best, blocks[best].capacity <= block.capacity { continue }
          best = index
        }
        guard let best else { return nil }
        byteCount -= blocks[best].capacity
        return blocks.remove(at: best)
      }
    }

    /// Returns all blocks.
    func empty() -> [Block] {
      lock.withLock {
        defer { (blocks, byteCount) = ([], 0) }
        return blocks
      }
    }

    /// Adds a block, and returns those that are then too much: the oldest, or itself if it alone is
    /// more than `most` bytes.
    func keep(_ block: Block, atMost most: Int) -> [Block] {
      if block.capacity > most { return [block] }
      return lock.withLock {
        blocks.append(block)
        byteCount += block.capacity
        var tooMuch: [Block] = []
        while byteCount > most {
          let oldest = blocks.removeFirst()
          byteCount -= oldest.capacity
          tooMuch.append(oldest)
        }
        return tooMuch
      }
    }
  }
}
