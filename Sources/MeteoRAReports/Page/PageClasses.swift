/// What a page has to know of a Unicode scalar; the same on every system, unlike the tables of
/// Swift's library.
struct PageClasses: OptionSet, Sendable {
  let rawValue: UInt8

  /// Default_Ignorable_Code_Point, controls, separators of lines, noncharacters, and few that have
  /// no ink though no property says so.
  static let unseen = PageClasses(rawValue: 1)
  /// General category M: drawn onto the character before.
  static let mark = PageClasses(rawValue: 2)
  /// Variation_Selector: another look of the character before. Unseen, too.
  static let variationSelector = PageClasses(rawValue: 4)
  /// Join_Control: whether neighbours join, which words and pictures need. Unseen, too.
  static let joiner = PageClasses(rawValue: 8)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ scalar: Unicode.Scalar) {
    // Most text; the first run that is something ends before the space.
    if (0x20..<0x7F).contains(scalar.value) {
      self = []
      return
    }
    let runs = PageClassTable.runs
    // The last run that begins at the scalar or before it: the first begins at U+0000.
    var (first, end) = (0, runs.count)
    while end - first > 1 {
      let middle = (first + end) / 2
      if runs[middle] >> 4 <= scalar.value { first = middle } else { end = middle }
    }
    rawValue = UInt8(runs[first] & 15)
  }
}
