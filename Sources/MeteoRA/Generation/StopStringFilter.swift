// Finds the first of some strings in a text that comes in pieces, whatever the pieces are.
//
//   text so far   … r e l e a s e d | h e l d          held: the longest end of the text that is the
//                                                      beginning of some stop string
//
// Byte by byte, as Knuth, Morris and Pratt search: `matched` is how much of its string the end of
// the text is, and `fallbacks[n]` the longest beginning of the string that also ends its first n
// bytes. The match that ends first counts; of several that end there, the longest.

/// The part of a text that no stop string can take back.
struct StopStringFilter: Sendable {
  private struct Search: Sendable {
    let string: [UInt8]
    let fallbacks: [Int]
    var matched = 0

    /// - Parameter string: Not empty.
    init(_ string: [UInt8]) {
      self.string = string
      var fallbacks = [0, 0]
      var length = 0
      for byte in string.dropFirst() {
        while length > 0, string[length] != byte { length = fallbacks[length] }
        if string[length] == byte { length += 1 }
        fallbacks.append(length)
      }
      self.fallbacks = fallbacks
    }

    var isComplete: Bool { matched == string.count }

    /// Takes a byte; not to be called once complete.
    mutating func append(_ byte: UInt8) {
      while matched > 0, string[matched] != byte { matched = fallbacks[matched] }
      if string[matched] == byte { matched += 1 }
    }
  }

  private var searches: [Search]
  /// What was taken and not released.
  private var held: [UInt8] = []
  /// Whether a stop string ended the text; nothing is taken from then on.
  private(set) var isStopped = false

  var heldByteCount: Int { held.count }

  /// - Parameter strings: UTF-8, none of them empty.
  init(_ strings: [[UInt8]]) {
    searches = strings.map(Search.init)
  }

  /// Takes more of the text.
  ///
  /// - Returns: What is certain by now: whole characters, if the text is UTF-8.
  mutating func append(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    if isStopped { return [] }
    for byte in bytes {
      held.append(byte)
      for index in searches.indices { searches[index].append(byte) }
      if let length = searches.lazy.filter(\.isComplete).map(\.matched).max() {
        held.removeLast(length)
        return stop()
      }
    }
    let kept = searches.lazy.map(\.matched).max() ?? 0
    defer { held.removeFirst(held.count - kept) }
    return Array(held.dropLast(kept))
  }

  /// Ends the text as a stop string does.
  ///
  /// - Returns: What was held back.
  mutating func stop() -> [UInt8] {
    isStopped = true
    return finish()
  }

  /// Ends the text; unless it was stopped, another can begin.
  ///
  /// - Returns: What was held back.
  mutating func finish() -> [UInt8] {
    defer { held = [] }
    for index in searches.indices { searches[index].matched = 0 }
    return held
  }
}
