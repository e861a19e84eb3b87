import Testing

@testable import MeteoRATokenizers

@Suite("Split")
struct SplitBehaviorTests {
  private func pieces(
    _ text: String, at pattern: TextPattern, _ behavior: SplitBehavior, inverted: Bool = false
  ) -> [String] {
    var list = PieceList(text.utf8)
    SplitPreTokenizer(pattern, behavior, isInverted: inverted).apply(to: &list)
    return zip([0] + list.ends, list.ends).map {
      String(decoding: list.bytes[$0..<$1], as: UTF8.self)
    }
  }

  /// The first six as the library's documentation has them.
  @Test(
    "does with matches what its behavior says",
    arguments: [
      (SplitBehavior.removed, "the-final--countdown", ["the", "final", "countdown"]),
      (.isolated, "the-final--countdown", ["the", "-", "final", "-", "-", "countdown"]),
      (.mergedWithPrevious, "the-final--countdown", ["the-", "final-", "-", "countdown"]),
      (.mergedWithNext, "the-final--countdown", ["the", "-final", "-", "-countdown"]),
      (.contiguous, "the-final--countdown", ["the", "-", "final", "--", "countdown"]),
      (.mergedWithPrevious, "--a-", ["-", "-", "a-"]), (.mergedWithNext, "-a--", ["-a", "-", "-"]),
      (.contiguous, "--", ["--"]), (.removed, "--", []), (.isolated, "", []),
    ])
  func splits(behavior: SplitBehavior, text: String, expected: [String]) {
    #expect(pieces(text, at: .literal([0x2D]), behavior) == expected)
  }

  @Test("can take gaps for matches")
  func inverts() {
    #expect(pieces("a-bc--d", at: .literal([0x2D]), .removed, inverted: true) == ["-", "-", "-"])
    #expect(
      pieces("a-bc--d", at: .literal([0x2D]), .mergedWithNext, inverted: true)
        == ["a-", "bc-", "-", "d"])
  }

  @Test(
    "finds a literal leftmost first, without overlap",
    arguments: [
      ("aa", "aaaaa", ["aa", "aa"]), ("aab", "aaab", ["aab"]),
      ("abab", "abababab", ["abab", "abab"]),
      ("é", "e\u{301}é", ["é"]),
    ])
  func findsLiterals(literal: String, text: String, expected: [String]) {
    let gapsRemoved = pieces(text, at: .literal(Array(literal.utf8)), .removed, inverted: true)
    #expect(gapsRemoved.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
  }

  @Test("keeps pieces apart that came apart")
  func keepsPieces() {
    var list = PieceList("ab-ab".utf8)
    list.ends = [2, 5]
    SplitPreTokenizer(.literal([0x62]), .mergedWithPrevious).apply(to: &list)
    #expect(list.ends == [2, 5])
    SplitPreTokenizer(.literal([0x61]), .removed).apply(to: &list)
    #expect(list.bytes == Array("b-b".utf8))
    #expect(list.ends == [1, 2, 3])
  }
}

@Suite("Metaspace")
struct MetaspaceTests {
  private func pieces(
    _ text: String, _ scheme: PrependScheme, splits: Bool = true, beginsText: Bool = true
  ) -> [String] {
    var list = PieceList(text.utf8, beginsText: beginsText)
    MetaspacePreTokenizer(
      replacement: Array("▁".utf8), prependScheme: scheme, splits: splits
    ).apply(to: &list)
    return zip([0] + list.ends, list.ends).map {
      String(decoding: list.bytes[$0..<$1], as: UTF8.self)
    }
  }

  @Test("puts its character for spaces and in front, and cuts before it")
  func replaces() {
    #expect(pieces("a b  c", .always) == ["▁a", "▁b", "▁", "▁c"])
    #expect(pieces("a b", .always, splits: false) == ["▁a▁b"])
    #expect(pieces(" a", .always) == ["▁a"])
    #expect(pieces("▁a", .always) == ["▁a"])
    #expect(pieces("a b", .never) == ["a", "▁b"])
    #expect(pieces("", .always) == [])
  }

  @Test("puts it in front of the begin of the text only, if it shall")
  func prependsFirst() {
    #expect(pieces("a", .first) == ["▁a"])
    #expect(pieces("a", .first, beginsText: false) == ["a"])
    #expect(pieces("a", .always, beginsText: false) == ["▁a"])
    var list = PieceList(" a".utf8)
    SplitPreTokenizer(.literal([0x20]), .removed).apply(to: &list)
    #expect(!list.beginsText)
  }
}
