/// Memory at the alignment of a cache line, freed with its owner.
package final class AlignedMemory: @unchecked Sendable {
  /// How long memory is held.
  package enum Use {
    /// For a call or two: from ``WorkingMemory``, if it is large.
    case temporary
    /// For as long as a model: in large pages, if it fills one.
    case kept
  }

  private enum Owner {
    case allocator
    case largePages
    case workingMemory(WorkingMemory.Block)
  }

  package let address: UnsafeMutableRawPointer
  package let byteCount: Int
  private let owner: Owner

  /// - Parameter byteCount: The memory is not initialised.
  package init(byteCount: Int, for use: Use = .temporary) {
    self.byteCount = byteCount
    if use == .temporary, byteCount >= WorkingMemory.leastByteCount {
      let block = WorkingMemory.take(byteCount: byteCount)
      address = block.address
      owner = .workingMemory(block)
    } else if use == .kept, byteCount >= LargePages.byteCount,
      let pages = LargePages.allocate(byteCount: byteCount)
    {
      address = pages
      owner = .largePages
    } else {
      address = .allocate(byteCount: byteCount, alignment: 64)
      owner = .allocator
    }
  }

  /// The memory as binary32.
  package var floats: UnsafeMutablePointer<Float> {
    address.assumingMemoryBound(to: Float.self)
  }

  deinit {
    switch owner {
    case .allocator: address.deallocate()
    case .largePages: LargePages.free(address, byteCount: byteCount)
    case .workingMemory(let block): WorkingMemory.giveBack(block)
    }
  }
}
