/// A number for some scalars and 0 for all others, in constant time: pages of 256 scalars.
struct ScalarMap: Sendable {
  /// The number of the block of each page; block 0 is all zeros.
  private var pages = [UInt16](repeating: 0, count: 0x1100)
  private var blocks = [UInt32](repeating: 0, count: 256)

  /// The number of a scalar, at most U+10FFFF.
  subscript(scalar: UInt32) -> UInt32 {
    @inline(__always)
    get { blocks[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)] }
    set {
      let page = Int(scalar >> 8)
      if pages[page] == 0 {
        pages[page] = UInt16(blocks.count >> 8)
        blocks += [UInt32](repeating: 0, count: 256)
      }
      blocks[Int(pages[page]) << 8 | Int(scalar & 0xFF)] = newValue
    }
  }
}
