import Testing

@testable import MeteoRAKernels

@Suite("Memory for weights and buffers")
struct AlignedMemoryTests {
  private static let page = LargePages.byteCount

  @Test(
    "it is there from the first byte to the last, at the alignment of a cache line",
    arguments: [AlignedMemory.Use.temporary, .kept],
    [0, 1, 64, page - 1, page, page + 1, 2 * page - 1, 3 * page, 40 * page - 1, 40 * page + 1])
  func isThere(use: AlignedMemory.Use, byteCount: Int) {
    let memory = AlignedMemory(byteCount: byteCount, for: use)
    #expect(memory.byteCount == byteCount)
    #expect(Int(bitPattern: memory.address) % 64 == 0)
    for place in [0, byteCount / 2, byteCount - 1] where (0..<byteCount).contains(place) {
      memory.address.storeBytes(of: 7, toByteOffset: place, as: UInt8.self)
      #expect(memory.address.load(fromByteOffset: place, as: UInt8.self) == 7)
    }
  }

  @Test("it loses at most a thirty-second to large pages")
  func losesLittle() {
    let page = Self.page
    for byteCount in [page, page + 1, 2 * page - 1, 31 * page + 1, 32 * page + 1, 33 * page - 1] {
      let covered = LargePages.covered(of: byteCount)
      #expect(covered % page == 0)
      #expect(covered - byteCount <= byteCount / 32)
      #expect(byteCount - covered < page)
    }
    #expect(LargePages.covered(of: 2 * page - 1) == 2 * page)
    #expect(LargePages.covered(of: page + 1) == page)
    #expect(LargePages.covered(of: 33 * page + 1) == 34 * page)
  }
}
