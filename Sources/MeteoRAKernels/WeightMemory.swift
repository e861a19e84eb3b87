/// Memory that the weights of a model share.
///
/// A large matrix gets memory of its own; small ones, such as those of adapters, stand one behind
/// the other in blocks of large pages. A block is freed with the last matrix in it.
package final class WeightMemory {
  /// Where a matrix stands.
  struct Part: @unchecked Sendable {
    // Unchecked: written before it is shared, only read afterwards.
    private let owner: AlignedMemory
    let address: UnsafeMutableRawPointer
    let byteCount: Int

    /// Memory of its own.
    init(byteCount: Int) {
      self.init(of: AlignedMemory(byteCount: byteCount, for: .kept), at: 0, byteCount: byteCount)
    }

    fileprivate init(of owner: AlignedMemory, at offset: Int, byteCount: Int) {
      self.owner = owner
      self.byteCount = byteCount
      address = owner.address + offset
    }
  }

  /// Bytes of a block; those that nothing was written to are only addresses.
  static let blockBytes = 64 << 20
  /// Bytes from which on a matrix gets memory of its own.
  static let largeMatrix = 8 << 20

  private var block: AlignedMemory?
  private var used = 0
  /// Bytes of small matrices so far.
  private var small = 0

  package init() {}

  /// Takes memory for a matrix.
  func take(byteCount: Int) -> Part {
    if byteCount >= Self.largeMatrix { return Part(byteCount: byteCount) }
    small += byteCount
    // All matrices of a tiny model are less than a large page.
    if small < LargePages.byteCount { return Part(byteCount: byteCount) }
    if let block, byteCount <= Self.blockBytes - used { return take(byteCount, of: block) }
    let next = AlignedMemory(byteCount: Self.blockBytes, for: .kept)
    block = next
    used = 0
    return take(byteCount, of: next)
  }

  private func take(_ byteCount: Int, of block: AlignedMemory) -> Part {
    defer { used += (byteCount + 63) / 64 * 64 }
    return Part(of: block, at: used, byteCount: byteCount)
  }
}
