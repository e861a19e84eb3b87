/// Memory at the alignment of a cache line, freed with its owner.
///
/// Nothing else keeps it: the owner has to outlive every use of ``address`` and of pointers made
/// from it. A variable of the enclosing scope does, by Swift's lexical lifetimes; a temporary does
/// not.
package final class AlignedMemory: @unchecked Sendable {
  // Unchecked: what is stored here never changes, and who shares the memory sees to it that nobody
  // reads what another thread writes.

  /// How long memory is held.
  package enum Use {
    /// For a call or two: from ``WorkingMemory``, if it is large.
    case temporary
    /// For as long as a model: in large pages, if it fills one.
    case kept
  }

  private enum Origin {
    case allocator(UnsafeMutableRawPointer)
    case largePages
    case workingMemory(WorkingMemory.Block)
  }

  package let address: UnsafeMutableRawPointer
  package let byteCount: Int
  private let origin: Origin

  /// - Parameter byteCount: The memory is not initialised.
  package init(byteCount: Int, for use: Use = .temporary) {
    self.byteCount = byteCount
    if use == .temporary, byteCount >= WorkingMemory.leastByteCount {
      let block = WorkingMemory.take(byteCount: byteCount)
      address = block.address
      origin = .workingMemory(block)
    } else if use == .kept, byteCount >= LargePages.byteCount,
      let pages = LargePages.allocate(byteCount: byteCount)
    {
      address = pages
      origin = .largePages
    } else {
      let (allocation, aligned) = Self.allocate(byteCount: byteCount)
      address = aligned
      origin = .allocator(allocation)
    }
  }

  /// Memory of the allocator: what to give back to it, and the first aligned byte.
  ///
  /// Aligned here: where glibc aligns, it cannot use what was freed for a request of the same size,
  /// and the heap grows with every one.
  static func allocate(
    byteCount: Int
  ) -> (allocation: UnsafeMutableRawPointer, aligned: UnsafeMutableRawPointer) {
    let alignment = 64
    let allocation = UnsafeMutableRawPointer.allocate(
      byteCount: byteCount + alignment, alignment: 16)
    return (allocation, allocation.alignedUp(toMultipleOf: alignment))
  }

  /// The memory as binary32.
  package var floats: UnsafeMutablePointer<Float> {
    address.assumingMemoryBound(to: Float.self)
  }

  deinit {
    switch origin {
    case .allocator(let memory): memory.deallocate()
    case .largePages: LargePages.free(address, byteCount: byteCount)
    case .workingMemory(let block): WorkingMemory.giveBack(block)
    }
  }
}
