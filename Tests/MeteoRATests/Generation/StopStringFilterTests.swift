import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("A text that ends before a stop string")
struct StopStringFilterTests {
  /// The definition: the first end of any stop string, and the longest that ends there.
  private func expected(_ text: [UInt8], _ stops: [[UInt8]]) -> (text: [UInt8], isStopped: Bool) {
    for end in 0...text.count {
      let lengths = stops.filter { text[..<end].reversed().starts(with: $0.reversed()) }.map(
        \.count)
      if let length = lengths.max() { return (Array(text[..<(end - length)]), true) }
    }
    return (text, false)
  }

  /// The longest end of a text that a stop string begins with.
  private func heldCount(_ text: [UInt8], _ stops: [[UInt8]]) -> Int {
    (0...text.count).last { count in
      stops.contains { $0.count > count && $0.starts(with: text.suffix(count)) }
    } ?? 0
  }

  @Test("is what a search of the whole text finds, in pieces of any length", arguments: 0..<8)
  func agreesWithSearch(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    func word(_ length: Int) -> [UInt8] { (0..<length).map { _ in UInt8(random.next(below: 3)) } }
    for _ in 0..<400 {
      let stops = (0..<random.next(below: 4)).map { _ in word(1 + random.next(below: 5)) }
      let text = word(random.next(below: 40))
      let expected = expected(text, stops)
      var filter = StopStringFilter(stops)
      var released: [UInt8] = []
      var rest = text[...]
      while !rest.isEmpty {
        let piece = rest.prefix(1 + random.next(below: 6))
        rest = rest.dropFirst(piece.count)
        released += filter.append(piece)
        // Nothing comes out that a stop string takes back, and nothing waits that none can.
        #expect(expected.text.starts(with: released))
        if !filter.isStopped {
          let taken = text[..<rest.startIndex]
          #expect(released.count == taken.count - heldCount(Array(taken), stops))
          #expect(filter.heldByteCount == taken.count - released.count)
        }
      }
      released += filter.finish()
      #expect(released == expected.text, "\(stops) in \(text)")
      #expect(filter.isStopped == expected.isStopped)
      // After its end a text can begin anew, unless it was stopped.
      let again = filter.append(text) + filter.finish()
      #expect(again == (expected.isStopped ? [] : expected.text))
    }
  }

  @Test(
    "takes the match that ends first, and the longest that ends there",
    arguments: [
      ("xabcd", ["abcd", "bc"], "xa"), ("xabcd", ["bcd", "abcd", "d"], "x"),
      ("aaab", ["aab"], "a"), ("abababc", ["ababc"], "ab"), ("abcabd", ["abd"], "abc"),
      ("é", ["e"], "é"), ("e\u{301}x", ["é"], "e\u{301}x"), ("aéb", ["é"], "a"),
    ])
  func choosesMatch(text: String, stops: [String], left: String) {
    var filter = StopStringFilter(stops.map { Array($0.utf8) })
    let shown = text.utf8.flatMap { filter.append([$0]) } + filter.finish()
    #expect(shown == Array(left.utf8))
  }

  @Test("holds back whole characters")
  func wholeCharacters() {
    var filter = StopStringFilter([Array("é😀!".utf8)])
    #expect(filter.append("aé".utf8) == Array("a".utf8))
    #expect(filter.append("😀".utf8).isEmpty)
    #expect(filter.append("😁".utf8) == Array("é😀😁".utf8))
    #expect(filter.append("é".utf8).isEmpty)
    #expect(filter.finish() == Array("é".utf8))
  }
}
