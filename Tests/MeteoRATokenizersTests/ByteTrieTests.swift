import Testing

@testable import MeteoRATokenizers

@Suite("A tree of byte strings")
struct ByteTrieTests {
  private func match(_ trie: ByteTrie, in text: [UInt8], at start: Int = 0) -> (Int, Int)? {
    text.withUnsafeBufferPointer { trie.longestMatch(at: start, in: $0) }
      .map { ($0.string, $0.end) }
  }

  @Test("finds the longest string, of equal ones the first")
  func findsLongest() throws {
    let strings = ["a", "abc", "", "b", "abc", "abcde"].map { Array($0.utf8) }
    let trie = ByteTrie(strings)
    #expect(try #require(match(trie, in: Array("abcd".utf8))) == (1, 3))
    #expect(try #require(match(trie, in: Array("abcde".utf8))) == (5, 5))
    #expect(try #require(match(trie, in: Array("xab".utf8), at: 1)) == (0, 2))
    #expect(match(trie, in: Array("cab".utf8)) == nil)
  }

  @Test("finds nothing without strings", arguments: [[], [[]]] as [[[UInt8]]])
  func findsNothing(strings: [[UInt8]]) {
    #expect(match(ByteTrie(strings), in: [0]) == nil)
  }

  @Test("has a child for each of 256 bytes")
  func hasAllBytes() throws {
    let strings = (0...255).flatMap { first in
      [0, 1, 127, 254, 255].map { [UInt8(first), UInt8($0)] }
    }
    let trie = ByteTrie(strings)
    for (index, string) in strings.enumerated() {
      #expect(try #require(match(trie, in: string)) == (index, 2))
    }
    #expect(match(trie, in: [7, 2]) == nil)
  }

  @Test("finds what a search through all strings finds")
  func findsAsASearch() throws {
    var random = SeededRandom(seed: 3)
    for _ in 0..<60 {
      let strings = (0..<40).map { _ in
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
          UInt8.random(in: 0...2, using: &random)
        }
      }
      let trie = ByteTrie(strings)
      for _ in 0..<40 {
        let text = (0..<8).map { _ in UInt8.random(in: 0...2, using: &random) }
        let longest = strings.filter { !$0.isEmpty && text.starts(with: $0) }
          .max { $0.count < $1.count }
        let found = match(trie, in: text)
        #expect(found?.1 == longest?.count)
        #expect(found?.0 == longest.flatMap { strings.firstIndex(of: $0) })
      }
    }
  }
}
