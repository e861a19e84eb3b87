import MeteoRASafetensors
import Testing

@testable import MeteoRATokenizers

/// FNV-1a, 64 bits.
private func digest(_ bytes: [UInt8]) -> UInt64 {
  bytes.withUnsafeBufferPointer { bytes in
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return value
  }
}

/// All scalars, a line feed between two.
private let everyScalar: [UInt8] = {
  var text: [UInt8] = []
  for value in 0...UInt32(0x10FFFF) where value < 0xD800 || value > 0xDFFF {
    if value > 0 { text.append(0x0A) }
    UTF8Text.append(value, to: &text)
  }
  return text
}()

/// 100,000 scalars that decompose, reorder and compose with their neighbours, as `mixed` of
/// `make_unicode_mappings.py` draws them.
private let mixedScalars: [UInt8] = {
  let pool = [
    0x41..<0x5B, 0x300..<0x370, 0x1DC0..<0x1DE0, 0x1100..<0x1200, 0xAC00..<0xAC40, 0x1E00..<0x1F00,
    0x0900..<0x0A00, 0x0F40..<0x0FC0, 0xFB00..<0xFB50, 0x1D158..<0x1D170, 0x2100..<0x2140,
    0x0B00..<0x0B80,
  ].flatMap { (range: Range<UInt32>) in Array(range) }
  var state: UInt64 = 1
  var text: [UInt8] = []
  for _ in 0..<100_000 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    UTF8Text.append(pool[Int(state >> 33) % pool.count], to: &text)
  }
  return text
}()

@Suite("Unicode normalization")
struct UnicodeNormalizationTests {
  /// Digests by `make_unicode_mappings.py --digests`, from unicodedata2 16.0.0.
  @Test(
    "gives what unicodedata2 gives for every scalar, and for scalars side by side",
    arguments: [
      (NormalizationForm.nfc, 0x81BC_C8B8_D7C9_1AF9, 0x35CB_0D0E_5E5E_92B9),
      (.nfd, 0x1502_C106_EB4C_5FF7, 0x2B30_5526_684B_39E0),
      (.nfkc, 0x8849_BA27_4479_5CFA, 0xD2CF_4CF6_1595_8BA0),
      (.nfkd, 0xEDF3_FD9A_918C_269D, 0xDBF0_4675_6DE7_1D7C),
    ] as [(NormalizationForm, UInt64, UInt64)])
  func equalsOracle(form: NormalizationForm, every: UInt64, mixed: UInt64) {
    let normalization = UnicodeNormalization.shared
    #expect(digest(normalization.normalize(everyScalar, form: form)) == every)
    #expect(digest(normalization.normalize(mixedScalars, form: form)) == mixed)
  }

  @Test(
    "composes and decomposes",
    arguments: [
      (NormalizationForm.nfc, "e\u{301}", "\u{E9}"), (.nfd, "\u{E9}", "e\u{301}"),
      // A mark of another class does not block, one of the same class does.
      (.nfc, "e\u{323}\u{301}", "\u{1EB9}\u{301}"), (.nfc, "e\u{300}\u{301}", "\u{E8}\u{301}"),
      (.nfd, "\u{1EAD}", "a\u{323}\u{302}"), (.nfc, "\u{1100}\u{1161}\u{11A8}", "\u{AC01}"),
      (.nfd, "\u{AC01}", "\u{1100}\u{1161}\u{11A8}"),
      (.nfc, "\u{AC00}\u{11A7}", "\u{AC00}\u{11A7}"),
      (.nfc, "\u{2126}", "\u{3A9}"), (.nfc, "\u{958}", "\u{915}\u{93C}"),
      (.nfc, "\u{FB01}", "\u{FB01}"), (.nfkc, "\u{FB01}", "fi"),
      (.nfkd, "\u{FF21}\u{E9}", "Ae\u{301}"),
      (.nfkc, "\u{1E9B}\u{323}", "\u{1E69}"), (.nfc, "", ""), (.nfc, "\u{301}e", "\u{301}e"),
    ])
  func normalizes(form: NormalizationForm, text: String, expected: String) {
    let normalized = UnicodeNormalization.shared.normalize(Array(text.utf8), form: form)
    #expect(normalized == Array(expected.utf8))
  }

  @Test("sorts a long run of marks, equal classes in order")
  func sortsLongRuns() {
    let marks = String(repeating: "\u{301}\u{323}\u{302}", count: 20_000)
    let sorted =
      String(repeating: "\u{323}", count: 20_000)
      + String(repeating: "\u{301}\u{302}", count: 20_000)
    let normalized = UnicodeNormalization.shared.normalize(Array("x\(marks)y".utf8), form: .nfd)
    #expect(normalized == Array("x\(sorted)y".utf8))
  }

  @Test("has small letters as Python and Unicode's names have them")
  func lowers() {
    #expect(digest(LowerCase.shared.lowercased(everyScalar)) == 0xA49E_B0A9_88A3_70A4)
    let text = Array("ÀΣΟΣ İẞ ǅ ꟋAZ".utf8)
    #expect(LowerCase.shared.lowercased(text) == Array("àσοσ i\u{307}ß ǆ ɤaz".utf8))
  }
}

@Suite("Sets of scalars")
struct ScalarSetTests {
  /// The number of scalars, surrogates aside.
  private func count(_ set: ScalarSet) -> Int {
    let scalars = ScalarSet([0...0xD7FF, 0xE000...0x10FFFF])
    let others = ScalarSet(set.inverted.ranges + scalars.inverted.ranges)
    return others.inverted.ranges.reduce(0) { $0 + $1.count }
  }

  @Test("are the same as tables", arguments: ["Lu", "Zs", "So", "Cn", "Cs"])
  func haveTables(category: String) throws {
    let set = try #require(ScalarSet(generalCategory: category))
    let table = ScalarTable(set)
    for range in set.ranges {
      #expect(table.contains(range.lowerBound) && table.contains(range.upperBound))
    }
    for range in set.inverted.ranges {
      #expect(!table.contains(range.lowerBound) && !table.contains(range.upperBound))
    }
  }

  /// Counts by `make_unicode_mappings.py --digests`.
  @Test(
    "have the size that unicodedata2 gives a general category",
    arguments: [
      ("Cn", 819_533), ("Lu", 1858), ("Ll", 2258), ("Lt", 31), ("Lm", 404), ("Lo", 136_477),
      ("Mn", 2020), ("Mc", 468), ("Me", 13), ("Nd", 760), ("Nl", 236), ("No", 915), ("Pc", 10),
      ("Pd", 27), ("Ps", 79), ("Pe", 77), ("Pi", 12), ("Pf", 10), ("Po", 640), ("Sm", 950),
      ("Sc", 63), ("Sk", 125), ("So", 7376), ("Zs", 17), ("Zl", 1), ("Zp", 1), ("Cc", 65),
      ("Cf", 170), ("Co", 137_468), ("L", 141_028), ("M", 2501), ("N", 1911),
    ])
  func haveSize(category: String, expected: Int) throws {
    #expect(try count(#require(ScalarSet(generalCategory: category))) == expected)
  }

  @Test("know no other categories", arguments: ["", "X", "LU", "Lx", "Letter", "Han"])
  func refuseNames(name: String) {
    #expect(ScalarSet(generalCategory: name) == nil)
  }

  @Test("hold the library's punctuation")
  func holdPunctuation() {
    #expect(count(.punctuation) == 865)
  }

  @Test("merge ranges that touch, and invert")
  func merge() {
    let set = ScalarSet([5...9, 1...2, 3...4, 20...30, 25...26])
    #expect(set.ranges == [1...9, 20...30])
    #expect(set.inverted.ranges == [0...0, 10...19, 31...0x10FFFF])
    #expect(set.inverted.inverted == set)
    #expect(ScalarSet.empty.inverted.ranges == [0...0x10FFFF])
    #expect(ScalarSet.empty.inverted.inverted.isEmpty)
  }
}
