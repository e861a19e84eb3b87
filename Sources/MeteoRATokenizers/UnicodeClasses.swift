/// The classes of Unicode scalars that tokenizers ask for, in constant time.
///
/// A table of pages of 256 scalars, built once from ``UnicodeClassTable``: `pages` holds for every
/// page the number of its block, `blocks` the classes. Page 0 is block 0, so that an ASCII byte
/// indexes `blocks` directly.
struct UnicodeClasses: Sendable {
  /// `\p{L}`: general category Lu, Ll, Lt, Lm or Lo.
  static let letter: UInt8 = 1
  /// `\p{N}`: general category Nd, Nl or No.
  static let number: UInt8 = 2
  /// `\s`: the property White_Space.
  static let white: UInt8 = 4
  /// `\w` of Rust's regular expressions: Alphabetic, Mark, Nd, Pc or Join_Control.
  static let word: UInt8 = 8
  /// U+000A and U+000D.
  static let newline: UInt8 = 16

  static let shared = UnicodeClasses(runs: UnicodeClassTable.runs)

  /// The number of the block of each of the 4352 pages.
  let pages: [UInt16]
  /// The classes of 256 scalars for each distinct page.
  let blocks: [UInt8]

  private init(runs: [UInt32]) {
    var pages: [UInt16] = []
    var blocks: [UInt8] = []
    var numbers: [[UInt8]: UInt16] = [:]
    var run = 0
    for page in 0..<(0x110000 >> 8) {
      var block: [UInt8] = []
      block.reserveCapacity(256)
      for scalar in (page << 8)..<((page + 1) << 8) {
        while run + 1 < runs.count && runs[run + 1] >> 4 <= scalar { run += 1 }
        block.append(UInt8(runs[run] & 15))
      }
      if page == 0 {
        block[0x0A] |= Self.newline
        block[0x0D] |= Self.newline
      }
      if let number = numbers[block] {
        pages.append(number)
      } else {
        let number = UInt16(numbers.count)
        numbers[block] = number
        pages.append(number)
        blocks += block
      }
    }
    self.pages = pages
    self.blocks = blocks
  }

  /// The classes of a scalar.
  func classes(of scalar: Unicode.Scalar) -> UInt8 {
    let value = Int(scalar.value)
    return blocks[Int(pages[value >> 8]) << 8 | value & 0xFF]
  }
}
