import Testing

@testable import MeteoRATokenizers

@Suite("The Unicode classes")
struct UnicodeClassesTests {
  /// Counted by asking tokenizers 0.21.4 for every scalar (`make_unicode_tables.py --check`).
  @Test(
    "have as many scalars as the library's",
    arguments: [
      (UnicodeClasses.letter, 141_028), (UnicodeClasses.number, 1911), (UnicodeClasses.white, 25),
      (UnicodeClasses.word, 144_667), (UnicodeClasses.newline, 2),
    ])
  func haveSize(bits: UInt8, expected: Int) {
    var count = 0
    for value in 0...UInt32(0x10FFFF) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      if UnicodeClasses.shared.classes(of: scalar) & bits != 0 { count += 1 }
    }
    #expect(count == expected)
  }

  @Test(
    "are those of well-known scalars",
    arguments: [
      ("a", UnicodeClasses.letter | UnicodeClasses.word),
      ("7", UnicodeClasses.number | UnicodeClasses.word),
      (" ", UnicodeClasses.white), ("\n", UnicodeClasses.white | UnicodeClasses.newline),
      ("\r", UnicodeClasses.white | UnicodeClasses.newline), ("_", UnicodeClasses.word),
      ("'", 0), ("\u{0}", 0), ("\u{1C}", 0), ("\u{85}", UnicodeClasses.white),
      ("\u{AA}", UnicodeClasses.letter | UnicodeClasses.word), ("\u{B2}", UnicodeClasses.number),
      ("\u{301}", UnicodeClasses.word), ("\u{180E}", 0), ("\u{200B}", 0),
      ("\u{200D}", UnicodeClasses.word), ("\u{2028}", UnicodeClasses.white),
      ("\u{2160}", UnicodeClasses.number | UnicodeClasses.word), ("\u{3000}", UnicodeClasses.white),
      ("字", UnicodeClasses.letter | UnicodeClasses.word), ("\u{FEFF}", 0),
      ("\u{1F600}", 0), ("\u{2FA1D}", UnicodeClasses.letter | UnicodeClasses.word),
      ("\u{2FA1E}", 0), ("\u{E0100}", UnicodeClasses.word), ("\u{10FFFF}", 0),
    ] as [(Unicode.Scalar, UInt8)])
  func areKnown(scalar: Unicode.Scalar, expected: UInt8) {
    #expect(UnicodeClasses.shared.classes(of: scalar) == expected)
  }
}
