import Testing

@testable import MeteoRAReports

@Suite("The classes of scalars on a page")
struct PageClassesTests {
  /// DerivedCoreProperties.txt of Unicode 16.0.0 counts 4174 Default_Ignorable_Code_Point, among them
  /// all of Variation_Selector and Join_Control. With 65 controls, 2 separators, 66 noncharacters and
  /// 7 that are blank no two of these meet.
  @Test("they are as many as Unicode 16 counts")
  func counts() {
    var counts: [UInt8: Int] = [:]
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      counts[PageClasses(scalar).rawValue, default: 0] += 1
    }
    func count(_ classes: PageClasses) -> Int {
      counts.filter { PageClasses(rawValue: $0.key).contains(classes) }.values.reduce(0, +)
    }
    #expect(count(.unseen) == 4174 + 65 + 2 + 66 + 7)
    #expect(count([.unseen, .variationSelector]) == 260)
    #expect(count(.variationSelector) == 260)
    #expect(count([.unseen, .joiner]) == 2)
    #expect(count(.joiner) == 2)
    #expect(count(.mark) == 2501)
  }

  private static let samples: [(value: UInt32, classes: PageClasses)] = [
    (0x1F, .unseen), (0x20, []), (0x7E, []), (0x7F, .unseen), (0x9F, .unseen),
    (0xA0, []), (0x2FF, []), (0x300, .mark), (0x34E, .mark), (0x34F, [.mark, .unseen]),
    (0x350, .mark), (0x36F, .mark), (0x370, []), (0x180A, []),
    (0x180B, [.mark, .unseen, .variationSelector]), (0x180E, .unseen), (0x200B, .unseen),
    (0x200C, [.unseen, .joiner]), (0x200D, [.unseen, .joiner]), (0x200E, .unseen), (0x2010, []),
    (0xFE00, [.mark, .unseen, .variationSelector]), (0xFE10, []), (0xFFFB, .unseen),
    (0xFFFD, []), (0xFFFE, .unseen), (0xDFFFF, .unseen), (0xE0000, .unseen),
    (0xE01EF, [.mark, .unseen, .variationSelector]), (0xE0FFF, .unseen), (0xE1000, []),
    (0xFDCF, []), (0xFDD0, .unseen), (0xFDF0, []), (0x10FFFD, []), (0x10FFFF, .unseen),
  ]

  @Test("the borders of runs are where they are in Unicode", arguments: samples)
  func borders(value: UInt32, expected: PageClasses) throws {
    #expect(PageClasses(try #require(Unicode.Scalar(value))) == expected)
  }
}
