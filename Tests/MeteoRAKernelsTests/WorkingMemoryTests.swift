import Testing

@testable import MeteoRAKernels

@Suite("Memory of buffers that come and go", .serialized)
struct WorkingMemoryTests {
  @Test("a block is large enough and aligned", arguments: [1, 65_536, 65_537, 9_999_999])
  func isLargeEnough(byteCount: Int) {
    let block = WorkingMemory.take(byteCount: byteCount)
    #expect(block.capacity >= byteCount)
    #expect(Int(bitPattern: block.address) % 64 == 0)
    block.address.storeBytes(of: 1, toByteOffset: byteCount - 1, as: UInt8.self)
    WorkingMemory.giveBack(block)
  }

  /// Larger than what is kept, so that no block of another test comes back.
  @Test("a size that is a whole number of units takes no more", arguments: [2049, 4096])
  func takesNoMore(units: Int) {
    let byteCount = units * WorkingMemory.leastByteCount
    let block = WorkingMemory.take(byteCount: byteCount)
    #expect(block.capacity == byteCount)
    WorkingMemory.giveBack(block)
  }

  @Test("a block beyond the limit is returned, and no other for its sake")
  func returnsWhatIsTooLarge() {
    let pool = WorkingMemory.Pool()
    func block(_ byteCount: Int) -> WorkingMemory.Block {
      let (allocation, aligned) = AlignedMemory.allocate(byteCount: byteCount)
      return WorkingMemory.Block(address: aligned, capacity: byteCount, allocation: allocation)
    }
    let (older, small, large) = (block(40), block(60), block(101))
    defer { for block in [older, small, large] { block.allocation?.deallocate() } }
    #expect(pool.keep(older, atMost: 100).isEmpty)
    #expect(pool.keep(small, atMost: 100).isEmpty)
    #expect(pool.keep(large, atMost: 100).map(\.address) == [large.address])
    #expect(pool.keptByteCount == 100)
    #expect(pool.take(byteCount: 60)?.address == small.address)
    #expect(pool.keep(small, atMost: 60).map(\.address) == [older.address])
    #expect(pool.empty().map(\.address) == [small.address])
    #expect(pool.keptByteCount == 0)
  }

  @Test("buffers that live together do not share memory")
  func doesNotShare() {
    let buffers = (0..<20).map { AlignedMemory(byteCount: 100_000 + $0) }
    for (index, buffer) in buffers.enumerated() {
      buffer.address.initializeMemory(
        as: UInt8.self, repeating: UInt8(index), count: buffer.byteCount)
    }
    for (index, buffer) in buffers.enumerated() {
      let bytes = UnsafeRawBufferPointer(start: buffer.address, count: buffer.byteCount)
      #expect(bytes.allSatisfy { $0 == UInt8(index) })
    }
  }

  @Test("more than the limit is not kept")
  func keepsLittle() {
    let blocks = (0..<5).map { _ in WorkingMemory.take(byteCount: WorkingMemory.mostKept / 3) }
    for block in blocks { WorkingMemory.giveBack(block) }
    #expect(WorkingMemory.keptByteCount <= WorkingMemory.mostKept)
    WorkingMemory.releaseUnused()
  }
}
