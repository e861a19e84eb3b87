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

  @Test("a buffer gets the memory of the one before it")
  func reuses() {
    // A test that runs at the same time may be quicker to take it.
    let isReused = (0..<100).contains { _ in
      let first = WorkingMemory.take(byteCount: 3_000_000)
      WorkingMemory.giveBack(first)
      let second = WorkingMemory.take(byteCount: 3_000_000)
      defer { WorkingMemory.giveBack(second) }
      return second.address == first.address
    }
    #expect(isReused)
  }
}

@Suite("Blocks that nobody uses")
struct WorkingMemoryPoolTests {
  /// A pool of blocks that nobody reads or writes, and that are there in the order in which they came.
  private static func pool(_ capacities: [Int]) throws -> WorkingMemory.Pool {
    let pool = WorkingMemory.Pool()
    for (index, capacity) in capacities.enumerated() {
      #expect(pool.keep(try block(index, capacity), atMost: .max).isEmpty)
    }
    return pool
  }

  private static func block(_ number: Int, _ capacity: Int) throws -> WorkingMemory.Block {
    let address = try #require(UnsafeMutableRawPointer(bitPattern: (number + 1) << 32))
    return WorkingMemory.Block(address: address, capacity: capacity)
  }

  /// The numbers of blocks.
  private static func numbers(_ blocks: [WorkingMemory.Block]) -> [Int] {
    blocks.map { Int(bitPattern: $0.address) >> 32 - 1 }
  }

  @Test("one is taken once")
  func isTakenOnce() throws {
    let pool = try Self.pool([1000])
    #expect(pool.keptByteCount == 1000)
    let block = try #require(pool.take(byteCount: 900))
    #expect(Self.numbers([block]) == [0])
    #expect(block.capacity == 1000)
    #expect(pool.keptByteCount == 0)
    #expect(pool.take(byteCount: 900) == nil)
  }

  @Test(
    "one is taken for what fits and fills half of it",
    arguments: [
      (wanted: 1000, isTaken: true), (1001, false), (999, true), (500, true), (499, false),
      (250, false), (1, false),
    ])
  func isAboutAsLarge(wanted: Int, isTaken: Bool) throws {
    let pool = try Self.pool([1000])
    #expect((pool.take(byteCount: wanted) != nil) == isTaken)
    #expect(pool.keptByteCount == (isTaken ? 0 : 1000))
  }

  @Test("the smallest that fits is taken first")
  func takesSmallest() throws {
    let pool = try Self.pool([150, 120, 90, 130, 400])
    let taken = (0..<4).compactMap { _ in pool.take(byteCount: 100) }
    #expect(Self.numbers(taken) == [1, 3, 0])
    #expect(pool.keptByteCount == 490)
  }

  @Test("the oldest go when they are too many, and no more than have to")
  func dropsOldest() throws {
    let pool = try Self.pool([40, 30, 20])
    #expect(Self.numbers(pool.keep(try Self.block(3, 10), atMost: 100)).isEmpty)
    #expect(Self.numbers(pool.keep(try Self.block(4, 35), atMost: 100)) == [0])
    #expect(pool.keptByteCount == 95)
    #expect(Self.numbers(pool.keep(try Self.block(5, 40), atMost: 100)) == [1, 2])
    #expect(pool.keptByteCount == 85)
    #expect(Self.numbers(pool.empty()) == [3, 4, 5])
  }

  @Test("one that was taken and given back is the newest")
  func renewsAge() throws {
    let pool = try Self.pool([40, 30])
    let block = try #require(pool.take(byteCount: 40))
    #expect(pool.keep(block, atMost: 100).isEmpty)
    #expect(Self.numbers(pool.keep(try Self.block(2, 20), atMost: 70)) == [1])
  }

  @Test("none is left in an emptied pool")
  func isEmptied() throws {
    let pool = try Self.pool([40, 30])
    #expect(Self.numbers(pool.empty()) == [0, 1])
    #expect(pool.keptByteCount == 0)
    #expect(pool.empty().isEmpty)
    #expect(pool.take(byteCount: 30) == nil)
  }
}
