// A pattern as a program, and the machine that runs it over a path.
//
// All ways through the program are followed at once, byte by byte: at most one visit of each
// instruction a byte, so the time is O(instructions · bytes). A lookahead runs the same machine
// from where it stands, once more a factor of bytes; there is none inside another.
//
// - SeeAlso: Thompson, "Regular expression search algorithm", CACM 11 (1968).

struct PatternProgram: Sendable {
  enum Instruction: Sendable {
    /// Takes a byte of the set and goes on behind.
    case bytes(ByteSet)
    /// Goes on at both places.
    case split(Int, Int)
    case jump(Int)
    case start
    case end
    case boundary(Bool)
    /// Goes on at `next` if the program that follows matches from here, or if it does not.
    case lookahead(isNegated: Bool, next: Int)
    case match
  }

  private var instructions: [Instruction] = []
  /// Instructions that a byte may have to visit, at most.
  private(set) var cost = 0

  /// More than any pattern needs.
  static let largest = 1 << 14
  /// At least the bytes of a module path: a lookahead may run through all of them at each.
  private static let longestPath = 64
  /// How many more parts the program may have.
  private var remaining: Int

  private struct TooManyParts: Error {}

  /// - Parameter limit: The parts that the pattern may have, repeats written out.
  /// - Returns: `nil` if it has more.
  init?(
    _ pattern: PatternNode, extent: PathPattern.Extent, limit: Int
  ) throws(PatternProblem) {
    if case .choice = pattern, extent == .layerList {
      // Python's `|` would split the whole expression, number and all.
      throw PatternProblem(text: "has '|' outside of a group, which is not read here")
    }
    remaining = limit
    do throws(TooManyParts) {
      try emit(pattern, extent)
    } catch {
      return nil
    }
    instructions.append(.match)
    cost += instructions.count
  }

  /// The pattern with what PEFT puts around it.
  private mutating func emit(
    _ pattern: PatternNode, _ extent: PathPattern.Extent
  ) throws(TooManyParts) {
    let upToDot = PatternNode.sequence([
      .repeated(.bytes(.all), atLeast: 0, atMost: nil), .bytes(ByteSet(0x2E...0x2E)),
    ])
    switch extent {
    case .whole:
      try emit(.sequence([pattern, .end]))
    case .end:
      try emit(.sequence([.repeated(upToDot, atLeast: 0, atMost: 1), pattern, .end]))
    case .endAfterDot:
      var branches = [pattern]
      if case .choice(let all) = pattern { branches = all }
      branches[0] = .sequence([upToDot, branches[0]])
      branches[branches.count - 1] = .sequence([branches[branches.count - 1], .end])
      try emit(.choice(branches))
    case .layerList:
      try emit(
        .sequence([
          .choice([.start, upToDot]), pattern, .bytes(ByteSet(0x2E...0x2E)),
          .repeated(.bytes(.digit), atLeast: 1, atMost: nil), .bytes(ByteSet(0x2E...0x2E)),
        ]))
    }
  }

  private mutating func emit(_ node: PatternNode) throws(TooManyParts) {
    if remaining == 0 { throw TooManyParts() }
    remaining -= 1
    switch node {
    case .bytes(let set): instructions.append(.bytes(set))
    case .start: instructions.append(.start)
    case .end: instructions.append(.end)
    case .boundary(let isThere): instructions.append(.boundary(isThere))
    case .sequence(let items): for item in items { try emit(item) }
    case .choice(let branches): try emit(branches[...])
    case .lookahead(let inner, let isNegated):
      let place = instructions.count
      instructions.append(.match)
      try emit(inner)
      instructions.append(.match)
      instructions[place] = .lookahead(isNegated: isNegated, next: instructions.count)
      cost += (instructions.count - place) * Self.longestPath
    case .repeated(let body, let least, let most):
      for _ in 0..<least { try emit(body) }
      guard let most else {
        try emitLoop(body)
        return
      }
      var splits: [Int] = []
      for _ in least..<most {
        splits.append(instructions.count)
        instructions.append(.match)
        try emit(body)
      }
      for place in splits { instructions[place] = .split(place + 1, instructions.count) }
    }
  }

  private mutating func emit(_ branches: ArraySlice<PatternNode>) throws(TooManyParts) {
    var jumps: [Int] = []
    for branch in branches.dropLast() {
      let place = instructions.count
      instructions.append(.match)
      try emit(branch)
      jumps.append(instructions.count)
      instructions.append(.match)
      instructions[place] = .split(place + 1, instructions.count)
    }
    if let last = branches.last { try emit(last) }
    for place in jumps { instructions[place] = .jump(instructions.count) }
  }

  private mutating func emitLoop(_ body: PatternNode) throws(TooManyParts) {
    let place = instructions.count
    instructions.append(.match)
    try emit(body)
    instructions.append(.jump(place))
    instructions[place] = .split(place + 1, instructions.count)
  }

  // MARK: Running

  /// Whether the program matches from the start of a path.
  func matches(_ path: [UInt8], work: inout PatternWork) -> Bool {
    runs(instructions.indices, at: 0, path, &work)
  }

  /// Whether some way from the first of these instructions ends in a match.
  private func runs(
    _ range: Range<Int>, at start: Int, _ path: [UInt8], _ work: inout PatternWork
  ) -> Bool {
    work.take(32 + range.count / 8)
    // The byte before which an instruction was last visited.
    var visited = [Int](repeating: -1, count: range.count)
    var waiting = [range.lowerBound]
    // Instructions that take the byte at a position.
    var takers: [Int] = []
    for position in start...path.count {
      if work.isExhausted { return false }
      var visits = 4
      takers.removeAll(keepingCapacity: true)
      while let place = waiting.popLast() {
        visits += 1
        if visited[place - range.lowerBound] == position { continue }
        visited[place - range.lowerBound] = position
        switch instructions[place] {
        case .match:
          work.take(visits)
          return true
        case .bytes: takers.append(place)
        case .jump(let next): waiting.append(next)
        case .split(let one, let other):
          waiting.append(one)
          waiting.append(other)
        case .start: if position == 0 { waiting.append(place + 1) }
        case .end: if position == path.count { waiting.append(place + 1) }
        case .boundary(let isThere):
          if isBoundary(position, path) == isThere { waiting.append(place + 1) }
        case .lookahead(let isNegated, let next):
          if runs(place + 1..<next, at: position, path, &work) != isNegated { waiting.append(next) }
        }
      }
      work.take(visits)
      if position == path.count || takers.isEmpty { return false }
      for place in takers {
        if case .bytes(let set) = instructions[place], set.contains(path[position]) {
          waiting.append(place + 1)
        }
      }
    }
    return false
  }

  private func isBoundary(_ position: Int, _ path: [UInt8]) -> Bool {
    let before = position > 0 && ByteSet.word.contains(path[position - 1])
    let after = position < path.count && ByteSet.word.contains(path[position])
    return before != after
  }
}
