/// The symbol of every character, in constant time: pages of 256 characters, made where needed.
struct ScalarSymbols: Sendable {
  /// The symbol of characters that have none.
  static let none = UInt32.max

  private var pages = [UInt16](repeating: 0, count: 0x110000 >> 8)
  /// The first block is that of pages without symbols.
  private var blocks = [UInt32](repeating: none, count: 256)

  mutating func set(_ symbol: UInt32, for scalar: UInt32) {
    let page = Int(scalar >> 8)
    if pages[page] == 0 {
      pages[page] = UInt16(blocks.count >> 8)
      blocks += [UInt32](repeating: Self.none, count: 256)
    }
    blocks[Int(pages[page]) << 8 | Int(scalar & 0xFF)] = symbol
  }

  /// The symbol of a character; ``none`` if it has none.
  @inline(__always)
  subscript(scalar: UInt32) -> UInt32 {
    blocks[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
  }

  /// Calls `body` for every character of a text, which is valid UTF-8.
  @inline(__always)
  func forEachSymbol(
    of text: UnsafeBufferPointer<UInt8>, _ body: (PackedScalar, UInt32) -> Void
  ) {
    pages.withUnsafeBufferPointer { pages in
      blocks.withUnsafeBufferPointer { blocks in
        var position = 0
        while position < text.count {
          let scalar = PackedScalar(at: position, in: text)
          position += scalar.length
          let page = Int(pages[Int(scalar.value >> 8)])
          body(scalar, blocks[page << 8 | Int(scalar.value & 0xFF)])
        }
      }
    }
  }
}

/// A character of valid UTF-8 and its length.
struct PackedScalar {
  let value: UInt32
  let length: Int

  /// Reads the character that begins at `position`, which is less than `text.count`.
  @inline(__always)
  init(at position: Int, in text: UnsafeBufferPointer<UInt8>) {
    let lead = UInt32(text[position])
    if lead < 0x80 {
      (value, length) = (lead, 1)
    } else if lead < 0xE0 {
      value = (lead & 0x1F) << 6 | UInt32(text[position + 1] & 0x3F)
      length = 2
    } else if lead < 0xF0 {
      let middle = UInt32(text[position + 1] & 0x3F) << 6
      value = (lead & 0x0F) << 12 | middle | UInt32(text[position + 2] & 0x3F)
      length = 3
    } else {
      let high = (lead & 0x07) << 18 | UInt32(text[position + 1] & 0x3F) << 12
      value =
        high | UInt32(text[position + 2] & 0x3F) << 6 | UInt32(text[position + 3] & 0x3F)
      length = 4
    }
  }
}
