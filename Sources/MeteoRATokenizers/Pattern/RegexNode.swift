/// A part of a regular expression.
indirect enum RegexNode {
  /// One scalar of a set.
  case scalar(ScalarSet)
  /// An ASCII letter without regard to case; given small.
  case letter(UInt32)
  /// Parts one after the other; none is the empty text.
  case sequence([RegexNode])
  /// Parts of which the first that matches holds.
  case alternatives([RegexNode])
  /// A part `minimum` to `maximum` times; without `maximum`, without end.
  case repetition(RegexNode, minimum: Int, maximum: Int?, isLazy: Bool)
  /// The next scalar is of a set, or not.
  case look(ScalarSet, isNegative: Bool)
  /// The end of a line.
  case lineEnd

  /// Whether the part can match without taking a scalar.
  var canBeEmpty: Bool {
    switch self {
    case .scalar, .letter: false
    case .sequence(let parts): parts.allSatisfy(\.canBeEmpty)
    case .alternatives(let parts): parts.contains(where: \.canBeEmpty)
    case .repetition(let part, let minimum, _, _): minimum == 0 || part.canBeEmpty
    case .look, .lineEnd: true
    }
  }

  /// Whether what the part matches can begin with a scalar; looking ahead counts as no condition.
  func canBegin(with scalar: UInt32) -> Bool {
    switch self {
    case .scalar(let set):
      return set.ranges.contains { $0.contains(scalar) }
    case .letter(let small):
      return Self.spellings(of: small).ranges.contains { $0.contains(scalar) }
    case .sequence(let parts):
      for part in parts {
        if part.canBegin(with: scalar) { return true }
        if !part.canBeEmpty { return false }
      }
      return false
    case .alternatives(let parts):
      return parts.contains { $0.canBegin(with: scalar) }
    case .repetition(let part, _, let maximum, _):
      return maximum != 0 && part.canBegin(with: scalar)
    case .look, .lineEnd:
      return false
    }
  }
}

/// The instructions of a ``TextRegex`` while they are made.
struct RegexProgram {
  private(set) var instructions: [TextRegex.Instruction] = []
  private(set) var sets: [ScalarSet] = []

  /// What a table of places and instructions can be made for, see ``TextRegex``.
  private static let mostInstructions = 400

  mutating func append(_ instruction: TextRegex.Instruction) throws(RegexSyntaxError) {
    if instructions.count == Self.mostInstructions {
      throw RegexSyntaxError(
        offset: 0, problem: "it takes more than \(Self.mostInstructions) steps")
    }
    instructions.append(instruction)
  }

  mutating func append(_ node: RegexNode) throws(RegexSyntaxError) {
    switch node {
    case .scalar(let set):
      try append(.take(index(of: set)))
    case .letter(let small):
      try append(.take(index(of: RegexNode.spellings(of: small))))
    case .sequence(let parts):
      for part in parts { try append(part) }
    case .alternatives(let parts):
      try append(alternatives: parts)
    case .repetition(let part, let minimum, let maximum, let isLazy):
      for _ in 0..<minimum { try append(part) }
      if let maximum {
        try append(part, upTo: maximum - minimum, isLazy: isLazy)
      } else {
        try append(endless: part, isLazy: isLazy)
      }
    case .look(let set, let isNegative):
      try append(.look(index(of: set), isNegative: isNegative))
    case .lineEnd:
      try append(TextRegex.Instruction.lineEnd)
    }
  }

  private mutating func index(of set: ScalarSet) -> Int {
    if let index = sets.firstIndex(of: set) { return index }
    sets.append(set)
    return sets.count - 1
  }

  private mutating func append(alternatives parts: [RegexNode]) throws(RegexSyntaxError) {
    var jumps: [Int] = []
    for part in parts.dropLast() {
      let choice = instructions.count
      try append(.jump(0))
      try append(part)
      jumps.append(instructions.count)
      try append(.jump(0))
      instructions[choice] = .choose(choice + 1, instructions.count)
    }
    if let last = parts.last { try append(last) }
    for jump in jumps { instructions[jump] = .jump(instructions.count) }
  }

  private mutating func append(
    _ part: RegexNode, upTo count: Int, isLazy: Bool
  ) throws(RegexSyntaxError) {
    var choices: [Int] = []
    for _ in 0..<count {
      choices.append(instructions.count)
      try append(.jump(0))
      try append(part)
    }
    let end = instructions.count
    for choice in choices {
      instructions[choice] = isLazy ? .choose(end, choice + 1) : .choose(choice + 1, end)
    }
  }

  private mutating func append(endless part: RegexNode, isLazy: Bool) throws(RegexSyntaxError) {
    let choice = instructions.count
    try append(.jump(0))
    try append(part)
    try append(.jump(choice))
    let end = instructions.count
    instructions[choice] = isLazy ? .choose(end, choice + 1) : .choose(choice + 1, end)
  }
}
