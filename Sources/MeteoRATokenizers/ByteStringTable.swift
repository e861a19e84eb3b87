// ByteStringTable: from the bytes of a string to its index, by open addressing.
//
// The hash is keyed with a random number of the process, so that no file can be made whose tokens
// all collide; nothing that is visible outside depends on it.

/// Distinct byte strings, numbered as they were added, and found by their bytes.
struct ByteStringTable: Sendable {
  /// The bytes of all strings, one after the other.
  private(set) var bytes: [UInt8] = []
  /// The end of each string in `bytes`; 32 bits, as a document has at most 2³¹ bytes.
  private var ends: [UInt32] = []
  /// The count is a power of two.
  private var slots: [Slot]

  /// A place of the hash table. It says where the string stands, so that a string is found with two
  /// accesses to memory, slot and bytes: files of 280,000 merges ask three times for each.
  private struct Slot {
    /// The upper half of the hash.
    var hash: UInt32
    /// Index + 1; 0 where nothing is.
    var number: UInt32
    var start: UInt32
    var count: UInt32

    static let empty = Slot(hash: 0, number: 0, start: 0, count: 0)
  }

  init(minimumCapacity: Int) {
    var capacity = 16
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    slots = [Slot](repeating: .empty, count: capacity)
    ends.reserveCapacity(minimumCapacity)
  }

  /// The number of strings.
  var count: Int { ends.count }

  /// Where the string `index` stands in ``bytes``.
  func range(of index: Int) -> Range<Int> {
    (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
  }

  /// The string `index`.
  subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(of: index)] }

  /// Adds the string that the closure appends to ``bytes``.
  ///
  /// - Returns: Whether the string is new; if it is not, nothing is added.
  mutating func insert(_ append: (inout [UInt8]) -> Void) -> Bool {
    let start = bytes.count
    append(&bytes)
    let (hash, isKnown) = bytes.withUnsafeBufferPointer { bytes in
      let string = UnsafeBufferPointer(rebasing: bytes[start...])
      let hash = Self.hash(of: string)
      return (hash, index(of: string, hash: hash) != nil)
    }
    if isKnown {
      bytes.removeSubrange(start...)
      return false
    }
    ends.append(UInt32(bytes.count))
    if ends.count * 2 > slots.count { grow() } else { place(count - 1, hash: hash) }
    return true
  }

  private mutating func place(_ index: Int, hash: UInt64) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot].number != 0 { slot = (slot + 1) & mask }
    let range = range(of: index)
    slots[slot] = Slot(
      hash: UInt32(truncatingIfNeeded: hash >> 32), number: UInt32(index + 1),
      start: UInt32(range.lowerBound), count: UInt32(range.count))
  }

  private mutating func grow() {
    slots = [Slot](repeating: .empty, count: slots.count * 2)
    for index in 0..<count {
      let range = range(of: index)
      let hash = bytes.withUnsafeBufferPointer { bytes in
        Self.hash(of: UnsafeBufferPointer(rebasing: bytes[range]))
      }
      place(index, hash: hash)
    }
  }

  /// The index of a string.
  func index(of string: UnsafeBufferPointer<UInt8>) -> Int? {
    index(of: string, hash: Self.hash(of: string))
  }

  /// The index of a string whose hash is known.
  func index(of string: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
    slots.withUnsafeBufferPointer { slots in
      bytes.withUnsafeBufferPointer { bytes in
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        let upper = UInt32(truncatingIfNeeded: hash >> 32)
        while slots[slot].number != 0 {
          let found = slots[slot]
          if found.hash == upper && Int(found.count) == string.count
            && Self.equal(bytes, from: Int(found.start), to: string)
          {
            return Int(found.number) - 1
          }
          slot = (slot + 1) & mask
        }
        return nil
      }
    }
  }

  /// Whether the string `index`, if there is one, has these bytes.
  func isString(_ index: Int, equalTo string: UnsafeBufferPointer<UInt8>) -> Bool {
    if index >= count { return false }
    let range = range(of: index)
    return range.count == string.count
      && bytes.withUnsafeBufferPointer { Self.equal($0, from: range.lowerBound, to: string) }
  }

  private static func equal(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to string: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    for offset in 0..<string.count where bytes[start + offset] != string[offset] { return false }
    return true
  }

  // MARK: Hash

  private static let key = UInt64.random(in: .min ... .max)

  /// Folds eight bytes at a time by a full multiplication.
  static func hash(of string: UnsafeBufferPointer<UInt8>) -> UInt64 {
    let raw = UnsafeRawBufferPointer(string)
    var hash = key ^ UInt64(truncatingIfNeeded: string.count)
    var position = 0
    while position + 8 <= raw.count {
      hash = fold(hash ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    var rest: UInt64 = 0
    while position < raw.count {
      rest = rest << 8 | UInt64(raw[position])
      position += 1
    }
    return fold(fold(hash ^ rest) ^ key)
  }

  @inline(__always)
  private static func fold(_ value: UInt64) -> UInt64 {
    let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}
