/// Memory at the alignment of a cache line, freed with its owner.
final class AlignedMemory: @unchecked Sendable {
  /// How long memory is held.
  enum Use {
    /// For a call or two. The allocator keeps what is freed for the next call: asking the system,
    /// or for another alignment, costs a hundred times as much.
    case temporary
    /// For as long as a model: in large pages, if it fills one.
    case kept
  }

  let address: UnsafeMutableRawPointer
  let byteCount: Int
  private let isInLargePages: Bool

  /// - Parameter byteCount: The memory is not initialised.
  init(byteCount: Int, for use: Use = .temporary) {
    self.byteCount = byteCount
    if use == .kept, byteCount >= LargePages.byteCount,
      let pages = LargePages.allocate(byteCount: byteCount)
    {
      address = pages
      isInLargePages = true
    } else {
      address = .allocate(byteCount: byteCount, alignment: 64)
      isInLargePages = false
    }
  }

  deinit {
    if isInLargePages {
      LargePages.free(address, byteCount: byteCount)
    } else {
      address.deallocate()
    }
  }
}
