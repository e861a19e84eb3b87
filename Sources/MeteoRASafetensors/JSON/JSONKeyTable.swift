// JSONKeyTable: members of large objects by key, for lookups and for the refusal of duplicates.

/// Finds the keys of a large object by hash.
///
/// The hash is the standard library's, seeded anew in every process, so a hostile file cannot
/// choose keys that collide. No result depends on it.
struct JSONKeyTable: Sendable {
  /// Objects with fewer members are searched in order instead.
  static let smallestTabled = 17

  /// Node index of a key, or 0 for a free slot (node 0 is the root, never a key).
  private var slots: [UInt32]

  init(capacityFor members: Int) {
    var size = 64
    while size < members * 2 { size *= 2 }
    slots = Array(repeating: 0, count: size)
  }

  /// Adds the key at `node`; the result is the key already there if the two are equal.
  mutating func insert(
    _ node: Int, in input: UnsafeBufferPointer<UInt8>, nodes: UnsafeBufferPointer<JSONNode>
  ) -> Int? {
    var decoded: [UInt8] = []
    return JSONText.withUTF8(of: nodes[node], in: input, scratch: &decoded) { key in
      var slot = Self.hash(key) & (slots.count - 1)
      while slots[slot] != 0 {
        if JSONText.equals(nodes[Int(slots[slot])], key, in: input) { return Int(slots[slot]) }
        slot = (slot + 1) & (slots.count - 1)
      }
      slots[slot] = UInt32(node)
      return nil
    }
  }

  func find(
    _ key: UnsafeBufferPointer<UInt8>, in input: UnsafeBufferPointer<UInt8>,
    nodes: UnsafeBufferPointer<JSONNode>
  ) -> Int? {
    var slot = Self.hash(key) & (slots.count - 1)
    while slots[slot] != 0 {
      if JSONText.equals(nodes[Int(slots[slot])], key, in: input) { return Int(slots[slot]) }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(key))
    return hasher.finalize()
  }
}
