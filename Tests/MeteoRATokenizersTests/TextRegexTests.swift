import Testing

@testable import MeteoRATokenizers

@Suite("A regular expression")
struct TextRegexTests {
  private func matches(_ pattern: String, in text: [UInt8]) throws -> [Range<Int>] {
    let regex = try TextRegex(Array(pattern.utf8))
    var ranges: [Range<Int>] = []
    text.withUnsafeBufferPointer {
      regex.appendMatches(in: 0..<$0.count, of: $0, to: &ranges)
    }
    return ranges
  }

  /// Each is as Oniguruma has it; `compare_tokenizers.py --family regexes` compares at random.
  @Test(
    "finds what Oniguruma finds",
    arguments: [
      ("a|ab", "ab", ["a"]), ("(?:a|ab)c", "abc", ["abc"]), ("a{2,3}", "aaaaa", ["aaa", "aa"]),
      ("a{2}", "aaaaa", ["aa", "aa"]), ("a{2,}", "aaaaab", ["aaaaa"]), ("a+?b", "aab", ["aab"]),
      ("a{0,1}b", "aab", ["ab"]), (#"\s+(?!\S)|\s+"#, "a   b ", ["  ", " ", " "]),
      (#"\s+$"#, "a \n b ", [" ", " "]), ("b(?=a)", "bbab", ["b"]), (".", "é\n字", ["é", "字"]),
      ("(?i:k)", "kK\u{212A}s", ["k", "K", "\u{212A}"]), (#"[^\w\s]"#, "a ²-", ["²", "-"]),
      (#"\w"#, "²-", ["²"]), (#"[a-c\-.]+"#, "xa-.cd", ["a-.c"]), ("[^a[bc]]+", "abxyc", ["xy"]),
      (#"\p{Lu}\P{Lu}\p{^L}"#, "ABa1", ["Ba1"]), (#"\x41\x{5b57}\u0042\t"#, "A字B\t", ["A字B\t"]),
      ("[(|]", "a(|)", ["(", "|"]), ("(ab)+", "ababa", ["abab"]), ("a*b", "aac", []),
      ("[-a]", "a-", ["a", "-"]), ("[a-]", "-", ["-"]), ("]", "a]", ["]"]),
      ("(?i:s)s", "ßSs", ["Ss"]), ("(?i:s+)", "aßsſS", ["sſS"]), ("(?i:s{2})", "ßss", ["ss"]),
      (#"(?i:\x4b)"#, "kK\u{212A}", ["k", "K", "\u{212A}"]),
      (#"(?i:s\n|t)"#, "S\nﬆT", ["S\n", "T"]),
      ("(?i:a(?!s)b)", "aAbſ", ["Ab"]), ("(?i:(?!s)a)", "sAba", ["A", "a"]),
      (#"(?i:\p{Lu})"#, "aAb", ["A"]), (#"(?i:s\p{L})"#, "ßbsb", ["sb"]),
      ("(?i:i)", "İıIi", ["I", "i"]),
      (#"(?i:s\.s)"#, "aS.s", ["S.s"]), (#"(?i:\ss)"#, "a S", [" S"]),
    ])
  func finds(pattern: String, text: String, expected: [String]) throws {
    let utf8 = Array(text.utf8)
    let found = try matches(pattern, in: utf8).map { Array(utf8[$0]) }
    #expect(found == expected.map { Array($0.utf8) })
  }

  @Test("looks at a part of a text only")
  func staysInRange() throws {
    let regex = try TextRegex(Array(#"b+|\s+(?!\S)"#.utf8))
    var ranges: [Range<Int>] = []
    Array("abbb  c".utf8).withUnsafeBufferPointer {
      regex.appendMatches(in: 1..<3, of: $0, to: &ranges)
      regex.appendMatches(in: 4..<6, of: $0, to: &ranges)
    }
    #expect(ranges == [1..<3, 4..<6])
  }

  @Test(
    "is refused if it has what could mean another thing here",
    arguments: [
      ("(?<=a)b", 0, "a group of this kind"), ("(?=ab)c", 0, "a group of this kind"),
      ("(?<n>a)", 0, "a group of this kind"), ("(?>a)", 0, "a group of this kind"),
      ("(a", 0, "a '(' without its ')'"), ("a)", 1, "a ')' without its '('"),
      ("[a", 2, "a '[' without its ']'"), ("[]a]", 2, "an empty class"),
      ("[[:alpha:]]", 2, "a class"),
      ("[a&&b]", 2, "an intersection"), ("[z-a]", 1, "a range of this kind"),
      (#"[a-\d]"#, 1, "a range of this kind"), ("[a-c-e]", 4, "a '-' here"),
      ("*a", 0, "the operator '*' here"), ("^a", 0, "the operator '^' here"),
      ("a++", 2, "a quantifier"), ("a{1,2}?", 6, "a quantifier"), ("a{,2}", 1, "a '{' without a"),
      ("a{3,2}", 1, "a quantifier"), ("a{9999}", 1, "a '{' without a number"),
      ("(?:a?)+", 6, "the repetition of what can be empty"), (#"\bword"#, 0, "an escape"),
      (#"\p{Han}"#, 0, "an escape"), (#"\1"#, 0, "an escape"), (#"\x80"#, 0, "an escape"),
      (#"\x{110000}"#, 0, "an escape"), ("a\\", 1, "a '\\' at the end"),
      ("(?i:ss)", 0, "letters inside"), (#"(?i:\x73\x73)"#, 0, "letters inside"),
      (#"(?i:\u0073s)"#, 0, "letters inside"), (#"(?i:\x{53}S)"#, 0, "letters inside"),
      ("(?i:(?:s)(?:s))", 0, "letters inside"), ("(?i:(?:a|s)(?:s|b))", 0, "letters inside"),
      ("(?i:s{1}s)", 0, "letters inside"), ("(?i:(?:(?:a|b)s(?:s))+)", 0, "letters inside"),
      ("(?i:(?:as)s)", 0, "letters inside"), ("(?i:s(?:sa))", 0, "letters inside"),
      ("(?i:sa?s)", 0, "letters inside"), ("(?i:x(?:s|st)?)", 0, "letters inside"),
      ("(?i:Ff)", 0, "letters inside"), ("(?i:fI)", 0, "letters inside"),
      ("(?i:efl)", 0, "letters inside"), ("(?i:sT)", 0, "letters inside"),
      ("(?i:é)", 4, "a character beyond ASCII"), (#"(?i:\x{e9})"#, 4, "a character beyond ASCII"),
      (#"(?i:a\u00e9)"#, 5, "a character beyond ASCII"),
      (#"(?i:(?:\x{17f}))"#, 7, "a character beyond ASCII"),
      ("(?i:ŉ)", 4, "a character beyond ASCII"),
      ("(?i:[a-z])", 5, "a class inside"), ("a*", 0, "it matches the empty text"),
      ("", 0, "it matches the empty text"), ("(?:a{400}){400}", 0, "more than 400 steps"),
    ])
  func isRefused(pattern: String, offset: Int, problem: String) throws {
    let error = try #require(throws: RegexSyntaxError.self) {
      try TextRegex(Array(pattern.utf8))
    }
    #expect(error.problem.contains(problem), "\(error)")
    #expect(error.offset == offset, "\(error)")
  }

  /// Each pattern is much larger than anything in use, and would take seconds or gigabytes.
  @Test(
    "is read or refused at once, however many characters and escapes it has",
    arguments: [
      (
        "[\(String(String.UnicodeScalarView((0x4E00..<0x9E00).compactMap { Unicode.Scalar($0) })))]",
        nil
      ),
      (String(repeating: "[\\p{L}]", count: 20_000), "more than 100000 ranges of characters"),
      (String(repeating: #"\p{L}"#, count: 100_000), "more than 100000 ranges of characters"),
      ("[" + String(repeating: #"\W"#, count: 300_000) + "]", "more than 100000 ranges"),
      ("[" + String(repeating: "ab", count: 300_000) + "]", "more than 100000 ranges"),
      (String(repeating: #"\."#, count: 300_000), "more than 100000 ranges"),
      (String(repeating: "a", count: 300_000), "more than 100000 ranges"),
    ])
  func isReadAtOnce(pattern: String, problem: String?) {
    do {
      _ = try TextRegex(Array(pattern.utf8))
      #expect(problem == nil)
    } catch {
      #expect(error.problem.contains(problem ?? "nothing"), "\(error)")
    }
  }

  @Test("is refused if it is nested without end", arguments: ["(", "[", "(?:", "(?i:"])
  func refusesNesting(opening: String) {
    #expect(throws: RegexSyntaxError.self) {
      try TextRegex(Array(String(repeating: opening, count: 100_000).utf8))
    }
  }

  /// Without remembering what failed, each of these would take longer than the age of the universe,
  /// or minutes.
  @Test(
    "comes to an end where going back has no end",
    arguments: [
      ("(?:a|a)*b", 3000), ("(?:a+)+b", 3000), ("a*b", 20_000), ("(?:a*ab|a)c", 20_000),
      (#"\w+\s"#, 20_000), ("(?:(?:a|aa)+)+c", 3000),
    ])
  func ends(pattern: String, count: Int) throws {
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: count)
    #expect(try matches(pattern, in: text) == [])
    // The mark at the end of a match does not hide the next one.
    #expect(try matches(pattern + "|a", in: text).count == count)
  }
}
