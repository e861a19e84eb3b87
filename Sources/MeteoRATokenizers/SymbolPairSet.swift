/// Pairs of symbols, by open addressing.
struct SymbolPairSet: Sendable {
  /// No pair: no symbol has this number.
  private static let none = UInt64.max

  /// A power of two.
  private var slots: [UInt64]
  private var count = 0
  private let key = UInt64.random(in: .min ... .max)

  init() { slots = [UInt64](repeating: Self.none, count: 1024) }

  mutating func insert(_ left: UInt32, _ right: UInt32) {
    if !place(UInt64(left) << 32 | UInt64(right)) { return }
    count += 1
    if count * 3 > slots.count { grow() }
  }

  /// - Returns: Whether the pair is new.
  private mutating func place(_ pair: UInt64) -> Bool {
    var slot = Self.home(of: pair, key: key) & (slots.count - 1)
    while slots[slot] != Self.none {
      if slots[slot] == pair { return false }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = pair
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: Self.none, count: 2 * old.count)
    for pair in old where pair != Self.none { _ = place(pair) }
  }

  private static func home(of pair: UInt64, key: UInt64) -> Int {
    let product = (pair ^ key).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: product.high ^ product.low)
  }

  /// Cuts symbols where two neighbours are no pair of the set, and calls `body` with each part.
  func cut(_ symbols: [UInt32], _ body: (ArraySlice<UInt32>) -> Void) {
    slots.withUnsafeBufferPointer { slots in
      var start = 0
      for end in symbols.indices.dropFirst() {
        let pair = UInt64(symbols[end - 1]) << 32 | UInt64(symbols[end])
        var slot = Self.home(of: pair, key: key) & (slots.count - 1)
        while slots[slot] != pair && slots[slot] != Self.none {
          slot = (slot + 1) & (slots.count - 1)
        }
        if slots[slot] == pair { continue }
        body(symbols[start..<end])
        start = end
      }
      if start < symbols.count { body(symbols[start...]) }
    }
  }
}
