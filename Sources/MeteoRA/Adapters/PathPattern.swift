/// A regular expression of a PEFT configuration, applied to module paths.
///
/// PEFT hands these texts to Python's `re`. Only whether a path matches matters here, so the part
/// of its syntax that has an effect on that is read (`PatternParser.swift`), with its meaning, and
/// everything else is refused by name, as is a text that only what PEFT puts around it would make a
/// regular expression. Nothing backtracks: the time of a match is bounded by ``cost``, whatever the
/// pattern, and that of all matches by ``PatternWork``.
struct PathPattern: Sendable {
  /// What of a path has to match.
  enum Extent {
    /// The whole path: `re.fullmatch(PATTERN, path)`.
    case whole
    /// The end of the path, from its start or from after a dot:
    /// `re.match(r"(.*\.)?(PATTERN)$", path)`.
    case end
    /// The end of the path after some dot, as releases of PEFT before 0.15 have it:
    /// `re.match(r".*\.PATTERN$", path)`. A `|` of the pattern splits all of it.
    case endAfterDot
    /// What stands before the number of a layer, from the path's start or from after a dot:
    /// `re.match(r"(?:^|.*?\.)PATTERN\.(\d+)\.", path)`.
    case layerList
  }

  private enum Form {
    /// A text without operators but `^` before and `$` behind; 0 stands for any byte.
    case plain([UInt8], isAnchored: Bool)
    /// With what the last bytes of a path have to be, the last first: most keys that are made for
    /// one module are told by them from those for others.
    case program(PatternProgram, ending: [ByteSet])
  }

  /// The paths of all modules of a large model, put together, are shorter.
  private static let longest = 1 << 16

  /// As the configuration has it.
  let text: String
  private let field: String
  private let extent: Extent
  private let form: Form

  /// - Parameter budget: Of the configuration; the pattern's ``cost`` is taken from it.
  /// - Throws: ``MeteoRAError/pattern(file:field:pattern:problem:)`` for a text that is no regular
  ///   expression, or has a part that is not read here, ``PatternBudget/exhausted``.
  init(
    _ text: String, extent: Extent, field: String, budget: inout PatternBudget
  ) throws(MeteoRAError) {
    let file = budget.file
    self.text = text
    self.field = field
    self.extent = extent
    guard text.utf8.count <= Self.longest else {
      throw .pattern(
        file: file, field: field, pattern: text,
        problem: "has \(text.utf8.count) bytes, expected at most \(Self.longest)")
    }
    if extent != .layerList, let plain = Self.plain(text) {
      form = plain
    } else {
      let limit = min(PatternProgram.largest, budget.remaining)
      let program: PatternProgram?
      let ending: [ByteSet]
      do throws(PatternProblem) {
        // What PEFT puts around a text for layers has a group of this name.
        let node = try PatternNode(parsing: text, takenNames: extent == .layerList ? ["idx"] : [])
        program = try PatternProgram(node, extent: extent, limit: limit)
        ending = node.ending(extent)
      } catch {
        throw .pattern(file: file, field: field, pattern: text, problem: error.text)
      }
      guard let program else {
        if limit < PatternProgram.largest { throw budget.exhausted }
        throw .pattern(
          file: file, field: field, pattern: text,
          problem: "has more than \(limit) parts, repeats written out")
      }
      form = .program(program, ending: ending)
    }
    try budget.take(cost)
  }

  /// The steps that a match may take for each byte of a path, at most.
  var cost: Int {
    switch form {
    case .plain: 1
    case .program(let program, _): program.cost
    }
  }

  /// Whether a module path of ASCII letters matches.
  ///
  /// - Throws: ``PatternWork/exhausted(by:field:)``.
  func matches(_ path: [UInt8], work: inout PatternWork) throws(MeteoRAError) -> Bool {
    let isMatch = isMatch(path, &work)
    if work.isExhausted { throw work.exhausted(by: text, field: field) }
    return isMatch
  }

  private func isMatch(_ path: [UInt8], _ work: inout PatternWork) -> Bool {
    work.take(PatternWork.attempt)
    switch form {
    case .program(let program, let ending):
      guard ending.count <= path.count else { return false }
      var place = path.count
      for set in ending {
        place -= 1
        work.take(1)
        guard set.contains(path[place]) else { return false }
      }
      return program.matches(path, work: &work)
    case .plain(let pattern, let isAnchored):
      let first = path.count - pattern.count
      guard first >= 0 else { return false }
      for place in pattern.indices.reversed() {
        work.take(1)
        guard pattern[place] == 0 || pattern[place] == path[first + place] else { return false }
      }
      let isAfterDot = first > 0 && path[first - 1] == UInt8(ascii: ".")
      switch extent {
      case .end: return first == 0 || isAfterDot && !isAnchored
      case .endAfterDot: return isAfterDot && !isAnchored
      case .whole, .layerList: return first == 0
      }
    }
  }

  /// A pattern that is a name or a path, as most are; adapters that list every module have hundreds
  /// of them. PEFT's own way to name one path and no other is to put `^` before it.
  private static func plain(_ text: String) -> Form? {
    var utf8 = text.utf8[...]
    let isAnchored = utf8.first == UInt8(ascii: "^")
    if isAnchored { utf8.removeFirst() }
    // All extents that come here end where the path does.
    if utf8.last == UInt8(ascii: "$") { utf8.removeLast() }
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "\\") where !isEscaped:
        isEscaped = true
        continue
      case UInt8(ascii: "."):
        bytes.append(isEscaped ? byte : 0)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        if isEscaped { return nil }
        bytes.append(byte)
      default:
        return nil
      }
      isEscaped = false
    }
    return isEscaped ? nil : .plain(bytes, isAnchored: isAnchored)
  }
}
