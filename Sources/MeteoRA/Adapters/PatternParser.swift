// The syntax of patterns, with the meaning that Python's `re` gives it:
//
//   x  \.  .  [a-z_]  [^…]  \d \D \w \W \s \S        one byte
//   ^  $  \A  \Z  \b  \B                             a place
//   xy  x|y  (x)  (?:x)  (?P<name>x)                 groups; what they hold is not kept
//   x*  x+  x?  x{m}  x{m,}  x{,n}  x{m,n}           greedy or, with ?, lazy: the same here
//   (?=x)  (?!x)                                     looking ahead, but not inside another
//
// Not read: flags, looking behind, atomic groups, possessive repeats, backreferences, conditions.

extension PatternNode {
  /// - Parameter takenNames: Names that groups of the text must not have.
  init(parsing text: String, takenNames: [String] = []) throws(PatternProblem) {
    var parser = PatternParser(scalars: Array(text.unicodeScalars), takenNames: takenNames)
    self = try parser.parse()
  }
}

private struct PatternParser {
  let scalars: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  private var isLookingAhead = false
  /// Of groups; Python refuses a name twice.
  private var names: Set<String>

  /// Groups inside groups; each takes a part of the stack.
  private static let deepest = 50

  init(scalars: [Unicode.Scalar], takenNames: [String]) {
    self.scalars = scalars
    names = Set(takenNames)
  }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func take(_ text: String) -> Bool {
    guard scalars[position...].starts(with: text.unicodeScalars) else { return false }
    position += text.unicodeScalars.count
    return true
  }

  private func invalid(_ what: String) -> PatternProblem {
    PatternProblem(text: "is no regular expression: \(what) at character \(position)")
  }

  private func unread(_ what: String) -> PatternProblem {
    PatternProblem(text: "has \(what) at character \(position), which is not read here")
  }

  mutating func parse() throws(PatternProblem) -> PatternNode {
    let node = try choice()
    if next != nil { throw invalid("')' without '('") }
    return node
  }

  private mutating func choice() throws(PatternProblem) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.deepest { throw unread("more than \(Self.deepest) groups inside each other") }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(PatternProblem) -> PatternNode {
    var items: [PatternNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      items.append(try repeats(of: try atom()))
    }
    return .sequence(items)
  }

  private mutating func atom() throws(PatternProblem) -> PatternNode {
    if take(".") { return .bytes(.all) }
    if take("^") { return .start }
    if take("$") { return .end }
    if take("[") { return .bytes(try members()) }
    if take("(") { return try group() }
    if take("\\") { return try escape() }
    guard let scalar = next else { return .sequence([]) }
    if scalar == "*" || scalar == "+" || scalar == "?" { throw invalid("nothing to repeat") }
    if try bounds() != nil { throw invalid("nothing to repeat") }
    position += 1
    return .bytes(Self.set(scalar))
  }

  /// The set of one character; empty for one that no module path holds.
  private static func set(_ scalar: Unicode.Scalar) -> ByteSet {
    var set = ByteSet()
    if scalar.isASCII { set.insert(UInt8(scalar.value)) }
    return set
  }

  private mutating func group() throws(PatternProblem) -> PatternNode {
    let node: PatternNode
    if take("?=") || take("?!") {
      let isNegated = scalars[position - 1] == "!"
      if isLookingAhead { throw unread("a lookahead inside a lookahead") }
      isLookingAhead = true
      node = .lookahead(try choice(), isNegated: isNegated)
      isLookingAhead = false
    } else {
      if take("?P<") {
        try groupName()
      } else if !take("?:"), next == "?" {
        throw unread("a group that begins with '(?'")
      }
      node = try choice()
    }
    guard take(")") else { throw invalid("'(' without ')'") }
    return node
  }

  /// The name of a group, and what ends it.
  private mutating func groupName() throws(PatternProblem) {
    let name = scalars[position...].prefix { $0 != ">" }
    if name.contains(where: { !$0.isASCII }) {
      throw unread("a name of a group that is not ASCII")
    }
    let isWord = name.allSatisfy { ByteSet.word.contains(UInt8($0.value)) }
    guard let first = name.first, isWord, !isDigit(first) else {
      throw invalid("a bad name of a group")
    }
    guard names.insert(String(String.UnicodeScalarView(name))).inserted else {
      throw invalid("a name of a group that another has")
    }
    position += name.count
    guard take(">") else { throw invalid("a bad name of a group") }
  }

  private mutating func escape() throws(PatternProblem) -> PatternNode {
    switch next {
    case "A":
      position += 1
      return .start
    case "Z":
      position += 1
      return .end
    case "b":
      position += 1
      return .boundary(true)
    case "B":
      position += 1
      return .boundary(false)
    default: return .bytes(try escapedSet())
    }
  }

  /// What stands after a backslash, as a set.
  private mutating func escapedSet() throws(PatternProblem) -> ByteSet {
    guard let scalar = next else { throw invalid("a backslash and nothing") }
    let isAlphanumeric = scalar.isASCII && scalar.properties.isAlphabetic || isDigit(scalar)
    let set: ByteSet
    switch scalar {
    case "d": set = .digit
    case "D": set = ByteSet.digit.inverted
    case "w": set = .word
    case "W": set = ByteSet.word.inverted
    case "s": set = .space
    case "S": set = ByteSet.space.inverted
    default:
      if isAlphanumeric { throw unread("the escape '\\\(scalar)'") }
      set = Self.set(scalar)
    }
    position += 1
    return set
  }

  private func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && ByteSet.digit.contains(UInt8(scalar.value))
  }

  // MARK: Sets

  /// A set, after its bracket.
  private mutating func members() throws(PatternProblem) -> ByteSet {
    let isNegated = take("^")
    var set = ByteSet()
    var isFirst = true
    while true {
      guard let scalar = next else { throw invalid("'[' without ']'") }
      if scalar == "]", !isFirst { break }
      isFirst = false
      let (single, members) = try member()
      guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
        set.formUnion(members)
        continue
      }
      position += 1
      guard let first = single, let last = try member().single, first <= last else {
        throw invalid("a bad range in '[…]'")
      }
      if first.isASCII {
        for value in first.value...min(last.value, 127) { set.insert(UInt8(value)) }
      }
    }
    position += 1
    return isNegated ? set.inverted : set
  }

  /// One member of a set: a character, or the set of an escape.
  private mutating func member() throws(PatternProblem) -> (single: Unicode.Scalar?, set: ByteSet) {
    guard let scalar = next else { throw invalid("'[' without ']'") }
    guard take("\\") else {
      position += 1
      return (scalar, Self.set(scalar))
    }
    let escaped = next
    let set = try escapedSet()
    let isClass = escaped.map { $0.properties.isAlphabetic } ?? false
    return (isClass ? nil : escaped, set)
  }

  // MARK: Repeats

  private mutating func repeats(of node: PatternNode) throws(PatternProblem) -> PatternNode {
    guard let (least, most) = try bounds() else { return node }
    switch node {
    case .start, .end, .boundary: throw invalid("nothing to repeat")
    default: break
    }
    if take("+") { throw unread("a possessive repeat") }
    _ = take("?")
    if next == "*" || next == "+" || next == "?" { throw invalid("a repeat of a repeat") }
    if try bounds() != nil { throw invalid("a repeat of a repeat") }
    return .repeated(node, atLeast: least, atMost: most)
  }

  /// The bounds of a repeat, if one stands here.
  private mutating func bounds() throws(PatternProblem) -> (least: Int, most: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    let start = position
    guard take("{") else { return nil }
    let least = digits()
    let hasComma = take(",")
    let most = hasComma ? digits() : least
    // A brace that bounds nothing is a brace, as in Python.
    guard take("}"), hasComma || !least.isEmpty else {
      position = start
      return nil
    }
    let first = try number(least, ifEmpty: 0)
    let last = most.isEmpty ? nil : try number(most, ifEmpty: 0)
    if let last, last < first { throw invalid("a repeat of at least more than at most") }
    return (first, last)
  }

  private mutating func digits() -> ArraySlice<Unicode.Scalar> {
    let digits = scalars[position...].prefix(while: isDigit)
    position += digits.count
    return digits
  }

  private func number(
    _ digits: ArraySlice<Unicode.Scalar>, ifEmpty value: Int
  ) throws(PatternProblem) -> Int {
    if digits.isEmpty { return value }
    guard digits.count < 10, let number = Int(String(String.UnicodeScalarView(digits))) else {
      throw unread("a repeat of \(digits.count) digits")
    }
    return number
  }
}
