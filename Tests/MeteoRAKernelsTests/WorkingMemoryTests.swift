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
