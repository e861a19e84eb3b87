import MeteoRASafetensors

/// Where and why a regular expression is not supported.
struct RegexSyntaxError: Error, Equatable {
  /// Bytes before the part in question.
  let offset: Int
  /// What is wrong, as the end of a sentence.
  let problem: String
}

/// Reads the part of Oniguruma's syntax (that of Ruby) that tokenizer files need.
///
/// Literals, `.`, classes with ranges, negation and classes inside, `\s \S \d \D \w \W`, `\p{…}` of
/// general categories, `\n \r \t \v \f \e \a`, `\x{…}`, `\xHH`, `\uHHHH`; groups, `(?:…)`, `(?i:…)`
/// around ASCII literals; `|`; `? * +` and `{n}`, `{n,}`, `{n,m}`, greedy or lazy; `(?=…)` and
/// `(?!…)` around one scalar; `$`. All else is refused, so that nothing is read in another sense
/// than the library's.
struct RegexParser {
  private let pattern: [UInt8]
  private var position = 0
  private var depth = 0
  private var classDepth = 0
  private var foldsCase = false
  /// How many ranges of scalars the parts so far have in all.
  private var rangeCount = 0

  private static let deepest = 32
  private static let mostRepetitions = 500
  /// A general category has up to 700.
  private static let mostRanges = 100_000

  static func parse(_ pattern: [UInt8]) throws(RegexSyntaxError) -> RegexNode {
    var parser = RegexParser(pattern: pattern)
    let node = try parser.parseAlternatives()
    if parser.position < pattern.count { throw parser.error("a ')' without its '('") }
    if node.canBeEmpty {
      throw RegexSyntaxError(offset: 0, problem: "it matches the empty text")
    }
    if node.hasFoldingPair {
      throw RegexSyntaxError(
        offset: 0, problem: "it has letters inside (?i:…) that one character folds to")
    }
    return node
  }

  private init(pattern: [UInt8]) { self.pattern = pattern }

  // MARK: Structure

  private mutating func parseAlternatives() throws(RegexSyntaxError) -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.deepest { throw error("groups more than \(Self.deepest) deep") }
    var parts = [try parseSequence()]
    while take("|") { parts.append(try parseSequence()) }
    return parts.count == 1 ? parts[0] : .alternatives(parts)
  }

  private mutating func parseSequence() throws(RegexSyntaxError) -> RegexNode {
    var parts: [RegexNode] = []
    while let byte = peek(), byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
      parts.append(try parseRepetition(of: try parseAtom()))
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func parseAtom() throws(RegexSyntaxError) -> RegexNode {
    let start = position
    if take("(") { return try parseGroup(from: start) }
    try countRanges(1)
    if take("[") { return .scalar(try parseClass()) }
    if take(".") { return .scalar(ScalarSet(0x0A).inverted) }
    if take("$") { return .lineEnd }
    if peek() == UInt8(ascii: "\\") {
      let (set, scalar) = try parseEscape()
      if let scalar { return try literal(scalar, at: start) }
      return .scalar(set)
    }
    if let byte = peek(), "*+?{^".utf8.contains(byte) {
      throw error("the operator '\(Character(Unicode.Scalar(byte)))' here")
    }
    return try literal(try nextScalar(), at: start)
  }

  /// A scalar that stands for itself, without regard to case inside `(?i:…)`.
  private func literal(
    _ scalar: UInt32, at start: Int
  ) throws(RegexSyntaxError) -> RegexNode {
    if !foldsCase { return .scalar(ScalarSet(scalar)) }
    if scalar >= 0x80 { throw error("a character beyond ASCII inside (?i:…)", at: start) }
    let small = scalar | 0x20
    return small >= 0x61 && small <= 0x7A ? .letter(small) : .scalar(ScalarSet(scalar))
  }

  /// Bounds the memory that a pattern takes before it is known how many steps it has.
  private mutating func countRanges(_ count: Int) throws(RegexSyntaxError) {
    rangeCount += count
    if rangeCount > Self.mostRanges {
      throw error("more than \(Self.mostRanges) ranges of characters")
    }
  }

  private mutating func parseGroup(from start: Int) throws(RegexSyntaxError) -> RegexNode {
    let outerFolding = foldsCase
    var node: RegexNode?
    if take("?:") || !take("?") {
      node = try parseAlternatives()
    } else if take("i:") {
      foldsCase = true
      node = try parseAlternatives()
      foldsCase = outerFolding
    } else {
      let isNegative = take("!")
      if isNegative || take("=") {
        switch try parseAlternatives() {
        case .scalar(let set): node = .look(set, isNegative: isNegative)
        case .letter(let small):
          node = .look(RegexNode.spellings(of: small), isNegative: isNegative)
        default: break
        }
      }
    }
    guard let node else { throw error("a group of this kind", at: start) }
    if !take(")") { throw error("a '(' without its ')'", at: start) }
    return node
  }

  private mutating func parseRepetition(of part: RegexNode) throws(RegexSyntaxError) -> RegexNode {
    let start = position
    let minimum: Int
    let maximum: Int?
    if take("?") {
      (minimum, maximum) = (0, 1)
    } else if take("*") {
      (minimum, maximum) = (0, nil)
    } else if take("+") {
      (minimum, maximum) = (1, nil)
    } else if take("{") {
      guard let least = takeNumber() else { throw error("a '{' without a number", at: start) }
      (minimum, maximum) = take(",") ? (least, takeNumber()) : (least, least)
      if !take("}") || (maximum ?? minimum) < minimum {
        throw error("a quantifier of this kind", at: start)
      }
    } else {
      return part
    }
    if part.canBeEmpty { throw error("the repetition of what can be empty", at: start) }
    // After braces Ruby's syntax takes a '?' for another quantifier.
    let isLazy = pattern[start] != UInt8(ascii: "{") && take("?")
    if let byte = peek(), "*+?{".utf8.contains(byte) { throw error("a quantifier of this kind") }
    return .repetition(part, minimum: minimum, maximum: maximum, isLazy: isLazy)
  }

  private mutating func takeNumber() -> Int? {
    var number: Int?
    while let byte = peek(), byte >= 0x30, byte <= 0x39, number ?? 0 <= Self.mostRepetitions {
      number = (number ?? 0) * 10 + Int(byte - 0x30)
      position += 1
    }
    return number.flatMap { $0 <= Self.mostRepetitions ? $0 : nil }
  }

  // MARK: Classes

  private mutating func parseClass() throws(RegexSyntaxError) -> ScalarSet {
    classDepth += 1
    defer { classDepth -= 1 }
    if classDepth > Self.deepest { throw error("classes more than \(Self.deepest) deep") }
    if foldsCase { throw error("a class inside (?i:…)") }
    let isInverted = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while !take("]") {
      if peek() == nil { throw error("a '[' without its ']'") }
      if take("[") {
        if peek() == UInt8(ascii: ":") { throw error("a class of this kind") }
        ranges += try parseClass().ranges
      } else {
        ranges += try parseClassItem(isFirst: isFirst).ranges
      }
      isFirst = false
    }
    if isFirst { throw error("an empty class") }
    let set = ScalarSet(ranges)
    return isInverted ? set.inverted : set
  }

  /// A scalar, a range of scalars, or an escape.
  private mutating func parseClassItem(isFirst: Bool) throws(RegexSyntaxError) -> ScalarSet {
    let start = position
    let (set, scalar) = try parseClassAtom()
    try countRanges(1)
    if pattern[start...].starts(with: "&&".utf8) { throw error("an intersection", at: start) }
    if pattern[start] == UInt8(ascii: "-") {
      // A hyphen stands for itself at either end, where nothing can make it a range.
      if isFirst || peek() == UInt8(ascii: "]") { return set }
      throw error("a '-' here", at: start)
    }
    guard peek() == UInt8(ascii: "-"), position + 1 < pattern.count,
      pattern[position + 1] != UInt8(ascii: "]")
    else { return set }
    position += 1
    let (_, last) = try parseClassAtom()
    guard let scalar, let last, scalar <= last, pattern[position - 1] != UInt8(ascii: "[") else {
      throw error("a range of this kind", at: start)
    }
    return ScalarSet([scalar...last])
  }

  private mutating func parseClassAtom() throws(RegexSyntaxError) -> (set: ScalarSet, UInt32?) {
    if peek() == UInt8(ascii: "\\") { return try parseEscape() }
    let scalar = try nextScalar()
    return (ScalarSet(scalar), scalar)
  }

  // MARK: Escapes

  /// - Returns: The set, and its scalar if the escape stands for one.
  private mutating func parseEscape() throws(RegexSyntaxError) -> (set: ScalarSet, UInt32?) {
    let start = position
    position += 1
    guard let byte = peek() else { throw error("a '\\' at the end", at: start) }
    if let scalar = Self.controls[byte] {
      position += 1
      return (ScalarSet(scalar), scalar)
    }
    if let scalar = takeHexadecimal() { return (ScalarSet(scalar), scalar) }
    if let set = takeProperty() ?? takeClassEscape() {
      try countRanges(set.ranges.count)
      return (set, nil)
    }
    let isLetterOrDigit =
      byte >= 0x80 || byte >= 0x30 && byte <= 0x39 || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    if isLetterOrDigit || byte < 0x21 && byte != 0x20 || byte == 0x7F || byte == UInt8(ascii: "<")
      || byte == UInt8(ascii: ">")
    {
      throw error("an escape of this kind", at: start)
    }
    position += 1
    return (ScalarSet(UInt32(byte)), UInt32(byte))
  }

  private static let controls: [UInt8: UInt32] = [
    UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    UInt8(ascii: "v"): 0x0B, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "e"): 0x1B,
    UInt8(ascii: "a"): 0x07,
  ]

  private mutating func takeClassEscape() -> ScalarSet? {
    guard let byte = peek() else { return nil }
    let set: ScalarSet
    switch byte | 0x20 {
    case UInt8(ascii: "s"): set = .white
    case UInt8(ascii: "d"): set = ScalarSet(generalCategory: "Nd") ?? .empty
    case UInt8(ascii: "w"): set = classDepth > 0 ? .wordOfClasses : .wordOutsideClasses
    default: return nil
    }
    position += 1
    return byte & 0x20 == 0 ? set.inverted : set
  }

  /// `\p{L}`, `\P{L}` and `\p{^L}`.
  private mutating func takeProperty() -> ScalarSet? {
    guard let byte = peek(), byte | 0x20 == UInt8(ascii: "p"),
      let end = pattern[position...].firstIndex(of: UInt8(ascii: "}")),
      pattern[position...].dropFirst().first == UInt8(ascii: "{")
    else { return nil }
    var name = pattern[(position + 2)..<end]
    var isInverted = byte == UInt8(ascii: "P")
    if name.first == UInt8(ascii: "^") {
      isInverted.toggle()
      name = name.dropFirst()
    }
    guard let set = ScalarSet(generalCategory: String(decoding: name, as: UTF8.self)) else {
      return nil
    }
    position = end + 1
    return isInverted ? set.inverted : set
  }

  /// `\x{…}`, `\xHH` and `\uHHHH`.
  private mutating func takeHexadecimal() -> UInt32? {
    let rest = pattern[position...]
    var digits = rest.dropFirst(1)
    var length = 0
    if rest.starts(with: "x{".utf8), let end = rest.firstIndex(of: UInt8(ascii: "}")) {
      digits = rest[(position + 2)..<end]
      length = digits.count + 3
    } else if rest.first == UInt8(ascii: "x") {
      digits = digits.prefix(2)
      length = 3
    } else if rest.first == UInt8(ascii: "u") {
      digits = digits.prefix(4)
      length = 5
    }
    let isHexadecimal = digits.allSatisfy {
      $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66
    }
    // Oniguruma reads \x80 and above as bytes, not as scalars.
    guard length > 0, isHexadecimal, digits.count == length - 1 || rest.starts(with: "x{".utf8),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
      Unicode.Scalar(value) != nil, length != 3 || value < 0x80
    else { return nil }
    position += length
    return value
  }

  // MARK: Bytes

  private func peek() -> UInt8? { position < pattern.count ? pattern[position] : nil }

  private mutating func take(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    let isThere = text.withUTF8Buffer { pattern[position...].starts(with: $0) }
    if isThere { position += length }
    return isThere
  }

  private mutating func nextScalar() throws(RegexSyntaxError) -> UInt32 {
    let read = pattern.withUnsafeBufferPointer { pattern -> (scalar: UInt32, length: Int)? in
      guard position < pattern.count,
        case .character = UTF8Text.sequence(at: position, in: pattern)
      else { return nil }
      return UTF8Text.scalar(at: position, in: pattern)
    }
    guard let read else { throw error("an end here") }
    position += read.length
    return read.scalar
  }

  private func error(_ found: String, at offset: Int? = nil) -> RegexSyntaxError {
    RegexSyntaxError(offset: offset ?? position, problem: "it has \(found)")
  }
}
