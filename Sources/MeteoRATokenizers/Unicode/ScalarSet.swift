/// A set of Unicode scalars as ascending ranges that neither meet nor touch.
///
/// Surrogates may be in the ranges; no text has them.
struct ScalarSet: Equatable, Sendable {
  private(set) var ranges: [ClosedRange<UInt32>]

  /// The set of some ranges, in any order, which may overlap.
  init(_ ranges: [ClosedRange<UInt32>]) {
    self.ranges = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = self.ranges.last, range.lowerBound <= last.upperBound &+ 1 {
        let upperBound = max(last.upperBound, range.upperBound)
        self.ranges[self.ranges.count - 1] = last.lowerBound...upperBound
      } else {
        self.ranges.append(range)
      }
    }
  }

  init(_ scalar: UInt32) { ranges = [scalar...scalar] }

  static let empty = ScalarSet([])

  var isEmpty: Bool { ranges.isEmpty }

  /// All scalars that are not in this set.
  var inverted: ScalarSet {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= Self.largest { gaps.append(next...Self.largest) }
    return ScalarSet(gaps)
  }

  static let largest: UInt32 = 0x10FFFF
}

// MARK: - Sets of Unicode

extension ScalarSet {
  /// The general category of a scalar, in the order of ``UnicodeMappingTables/categories``.
  private static let categoryNames = [
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
  ]

  /// The ranges of each general category.
  private static let categories: [[ClosedRange<UInt32>]] = {
    var categories = [[ClosedRange<UInt32>]](repeating: [], count: categoryNames.count)
    var reader = UnicodeTableReader(UnicodeMappingTables.categories)
    var start: UInt32 = 0
    while let length = reader.next(), let category = reader.next() {
      categories[category].append(start...start + UInt32(length) - 1)
      start += UInt32(length)
    }
    return categories
  }()

  /// The scalars of a general category such as `Lu`, or of all that begin with a letter such as
  /// `L`.
  init?(generalCategory name: String) {
    let utf8 = Array(name.utf8)
    let indices = Self.categoryNames.indices.filter {
      Self.categoryNames[$0].utf8.starts(with: utf8)
    }
    if indices.isEmpty || utf8.isEmpty { return nil }
    self.init(indices.flatMap { Self.categories[$0] })
  }

  /// The scalars of a class of ``UnicodeClasses``.
  init(class bits: UInt8) {
    let runs = UnicodeClassTable.runs
    var ranges: [ClosedRange<UInt32>] = []
    for (index, run) in runs.enumerated() where UInt8(run & 15) & bits != 0 {
      let end = index + 1 < runs.count ? runs[index + 1] >> 4 : Self.largest + 1
      ranges.append(run >> 4...end - 1)
    }
    self.init(ranges)
  }

  /// `\s`: the property White_Space.
  static let white = ScalarSet(class: UnicodeClasses.white)
  /// `\w` of Rust's regular expressions.
  static let word = ScalarSet(class: UnicodeClasses.word)
  /// `[\w]` of Oniguruma, which lacks the joiners.
  static let wordOfClasses = ScalarSet(word.inverted.ranges + [0x200C...0x200D]).inverted
  /// `\w` of Oniguruma outside of brackets: there it has the numbers ² ³ ¹ ¼ ½ ¾ too.
  static let wordOutsideClasses = ScalarSet(
    wordOfClasses.ranges + [0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE])
  /// `char::is_numeric` of Rust: Nd, Nl and No.
  static let numeric = ScalarSet(class: UnicodeClasses.number)
  /// Marks, which StripAccents removes.
  static let mark = ScalarSet(generalCategory: "M") ?? .empty
  /// What the pre-tokenizer Punctuation cuts at: that of ASCII, symbols included, and general
  /// category P. U+166D counts, which was of category P until Unicode 12: the library's table is
  /// older.
  static let punctuation = ScalarSet(
    [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E, 0x166D...0x166D]
      + (ScalarSet(generalCategory: "P") ?? .empty).ranges)
}

// MARK: - Membership

/// A ``ScalarSet`` to be asked about single scalars: pages of 256 bits, equal ones stored once.
struct ScalarTable: Sendable {
  private let pages: [UInt16]
  private let words: [UInt64]

  init(_ set: ScalarSet) {
    var pages = [UInt16](repeating: 0, count: 0x1100)
    var words: [UInt64] = [0, 0, 0, 0]
    var numbers: [[UInt64]: UInt16] = [words: 0]
    var next = 0
    var page: UInt32 = 0
    // Pages that no range is on are empty, which they are from the beginning.
    while next < set.ranges.count {
      page = max(page, set.ranges[next].lowerBound >> 8)
      var bits: [UInt64] = [0, 0, 0, 0]
      let first = page << 8
      let last = first | 0xFF
      while next < set.ranges.count && set.ranges[next].lowerBound <= last {
        let range = set.ranges[next]
        if range.lowerBound <= first && range.upperBound >= last {
          bits = [.max, .max, .max, .max]
        } else {
          for scalar in max(range.lowerBound, first)...min(range.upperBound, last) {
            bits[Int(scalar & 0xFF) >> 6] |= 1 << UInt64(scalar & 63)
          }
        }
        if range.upperBound > last { break }
        next += 1
      }
      if let number = numbers[bits] {
        pages[Int(page)] = number
      } else {
        let number = UInt16(numbers.count)
        numbers[bits] = number
        pages[Int(page)] = number
        words += bits
      }
      page += 1
    }
    self.pages = pages
    self.words = words
  }

  /// Whether a scalar is in the set.
  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    let block = Int(pages[Int(scalar >> 8)]) << 2
    return words[block | Int(scalar & 0xFF) >> 6] >> UInt64(scalar & 63) & 1 != 0
  }
}
