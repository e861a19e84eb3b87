/// Memory at the alignment of a cache line, freed with its owner.
package final class AlignedMemory: @unchecked Sendable {
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
      // Aligned here: where glibc aligns, it cannot use what was freed for a request of the same
      // size, and the heap grows with every one.
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: byteCount + Self.alignment, alignment: 16)
      address = memory.alignedUp(toMultipleOf: Self.alignment)
      origin = .allocator(memory)
    }
  }

  private static let alignment = 64

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
