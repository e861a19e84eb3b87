import Testing

@testable import MeteoRATokenizers

@Suite("Added tokens in a text")
struct AddedTokenTests {
  private static func token(
    _ id: UInt32, _ content: String, left: Bool = false, right: Bool = false
  ) -> AddedToken {
    AddedToken(
      id: id, content: Array(content.utf8), pattern: Array(content.utf8), isSpecial: false,
      isNormalized: false, stripsLeft: left, stripsRight: right, isSingleWord: false)
  }

  private func segments(_ text: String, _ tokens: [AddedToken]) -> [Segment] {
    Array(text.utf8).withUnsafeBufferPointer { AddedTokenMatcher(tokens).segments(of: $0) }
  }

  /// Measured with tokenizers 0.21.4, which drops tokens without text.
  @Test("are left out where all of one that strips on the left was swallowed before")
  func dropsSwallowed() {
    let line = Self.token(1, "\n", left: true, right: true)
    #expect(segments("\n\n", [line]) == [.token(1)])
    #expect(segments("a\n \na", [line]) == [.text(0..<1), .token(1), .text(4..<5)])
    let tokens = [Self.token(1, "the", right: true), Self.token(2, "\n", left: true)]
    #expect(segments("the\n", tokens) == [.token(1)])
    #expect(segments("the\na", tokens) == [.token(1), .text(4..<5)])
    #expect(segments("a \n", tokens) == [.text(0..<1), .token(2)])
  }

  /// As in the library, too.
  @Test("come again where one that strips nothing was swallowed before")
  func keepsSwallowed() {
    let tokens = [Self.token(1, "the", right: true), Self.token(2, "\n")]
    #expect(segments("the\n", tokens) == [.token(1), .token(2)])
  }

  @Test("are the longest at a place, of equal ones the first")
  func findsLongest() {
    let tokens = [Self.token(1, "ab"), Self.token(2, "abc"), Self.token(3, "abc")]
    #expect(segments("abcab", tokens) == [.token(2), .token(1)])
  }

  /// A search of all siblings at each of these steps would take seconds.
  @Test("are found among many that begin alike")
  func findsAmongMany() {
    let prefix = String(repeating: "a", count: 150)
    var tokens: [AddedToken] = [Self.token(0, prefix + "b")]
    for depth in 0..<150 {
      for letter in UInt8(ascii: "c")...UInt8(ascii: "z") {
        let content = String(repeating: "a", count: depth) + String(UnicodeScalar(letter)) + "zz"
        tokens.append(Self.token(UInt32(tokens.count), content))
      }
    }
    let text = String(repeating: "a", count: 20_000)
    #expect(segments(text, tokens) == [.text(0..<20_000)])
    #expect(segments(text + "b", tokens) == [.text(0..<19_850), .token(0)])
  }
}
