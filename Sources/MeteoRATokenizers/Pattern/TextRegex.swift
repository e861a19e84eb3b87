// TextRegex: regular expressions as tokenizer files use them, in the sense of Oniguruma.
//
//   pattern ─▶ RegexNode ─▶ instructions ─▶ matches, leftmost first
//
// Alternatives are tried in order, quantifiers take as much as they can and give back, and the
// first way through wins. As soon as a text turns out to need much going back, no choice is made
// twice at one place, so that no text takes more than O(length · instructions).

import MeteoRASafetensors

/// A regular expression whose matches are never empty.
struct TextRegex: Sendable {
  /// Steps of the matcher; after all but `jump` and `choose` the next instruction follows.
  enum Instruction: Sendable {
    /// Takes a scalar of the set.
    case take(Int)
    /// Goes on here first and, if that fails, there.
    case choose(Int, Int)
    case jump(Int)
    /// Goes on if the next scalar is of the set, or if it is not (the end of the text is not).
    case look(Int, isNegative: Bool)
    /// Goes on at the end of the text or before a line feed.
    case lineEnd
    case match
  }

  private let instructions: [Instruction]
  private let sets: [ScalarTable]
  /// Whether a match can begin with each byte below 80; others may begin one.
  private let canBegin: [Bool]

  /// - Parameter pattern: UTF-8.
  /// - Throws: ``RegexSyntaxError`` if the pattern has what is not supported here.
  init(_ pattern: [UInt8]) throws(RegexSyntaxError) {
    let node = try RegexParser.parse(pattern)
    var program = RegexProgram()
    try program.append(node)
    try program.append(.match)
    instructions = program.instructions
    sets = program.sets.map(ScalarTable.init)
    canBegin = (0..<128).map { node.canBegin(with: UInt32($0)) }
  }

  /// Whether the first byte of a match can be this one.
  func canBegin(with byte: UInt8) -> Bool { byte >= 0x80 || canBegin[Int(byte)] }

  /// Appends the ranges of all matches in `text[range]`; no match looks beyond it.
  ///
  /// - Parameter text: UTF-8; `range` begins and ends between characters.
  func appendMatches(
    in range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, to matches: inout [Range<Int>]
  ) {
    var matcher = RegexMatcher(range: range, states: instructions.count)
    instructions.withUnsafeBufferPointer { instructions in
      sets.withUnsafeBufferPointer { sets in
        canBegin.withUnsafeBufferPointer { canBegin in
          var position = range.lowerBound
          while position < range.upperBound {
            let lead = text[position]
            if lead >= 0x80 || canBegin[Int(lead)],
              let end = matcher.end(
                from: position, in: text, instructions: instructions, sets: sets),
              end > position
            {
              matches.append(position..<end)
              position = end
            } else {
              position += lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
            }
          }
        }
      }
    }
  }
}

/// Goes through the instructions over one range of a text.
private struct RegexMatcher {
  /// Where to go on after a failure, the last first.
  private var alternatives: [(instruction: Int, position: Int)] = []
  private let range: Range<Int>
  private let states: Int
  /// One bit for each pair of a place and an instruction that chose there, so that it need not
  /// choose there again; empty as long as going back costs little.
  private var tried: [UInt64] = []
  private var allowance: Int

  init(range: Range<Int>, states: Int) {
    self.range = range
    self.states = states
    allowance = 64 * range.count + 4096
  }

  /// The end of the match that begins at `start`.
  mutating func end(
    from start: Int, in text: UnsafeBufferPointer<UInt8>,
    instructions: UnsafeBufferPointer<TextRegex.Instruction>,
    sets: UnsafeBufferPointer<ScalarTable>
  ) -> Int? {
    alternatives.removeAll(keepingCapacity: true)
    var instruction = 0
    var position = start
    while true {
      var isGood: Bool
      switch instructions[instruction] {
      case .take(let set):
        isGood = false
        if position < range.upperBound {
          let (scalar, length) = UTF8Text.scalar(at: position, in: text)
          if sets[set].contains(scalar) {
            isGood = true
            position += length
            instruction += 1
          }
        }
      case .choose(let first, let second):
        isGood = tried.isEmpty || isFirstTry(of: instruction, at: position)
        if isGood {
          alternatives.append((second, position))
          instruction = first
        }
      case .jump(let target):
        isGood = true
        instruction = target
      case .look(let set, let isNegative):
        var isOfSet = false
        if position < range.upperBound {
          isOfSet = sets[set].contains(UTF8Text.scalar(at: position, in: text).scalar)
        }
        isGood = isOfSet != isNegative
        instruction += 1
      case .lineEnd:
        isGood = position == range.upperBound || text[position] == 0x0A
        instruction += 1
      case .match:
        forgetTried(at: position)
        return position
      }
      if isGood { continue }
      guard let next = nextAlternative() else { return nil }
      (instruction, position) = next
    }
  }

  private mutating func nextAlternative() -> (instruction: Int, position: Int)? {
    if tried.isEmpty {
      allowance -= 1
      if allowance < 0 {
        tried = [UInt64](repeating: 0, count: ((range.count + 1) * states + 63) >> 6)
      }
    }
    return alternatives.popLast()
  }

  /// Whether a choice comes to a place for the first time; it cannot go better later.
  private mutating func isFirstTry(of instruction: Int, at position: Int) -> Bool {
    let bit = (position - range.lowerBound) * states + instruction
    let isFirst = tried[bit >> 6] >> UInt64(bit & 63) & 1 == 0
    tried[bit >> 6] |= 1 << UInt64(bit & 63)
    return isFirst
  }

  /// What led to a match did not fail. The next match begins where this one ends, so that only
  /// marks at that place can be wrong.
  private mutating func forgetTried(at position: Int) {
    if tried.isEmpty { return }
    let first = (position - range.lowerBound) * states
    for bit in first..<first + states { tried[bit >> 6] &= ~(1 << UInt64(bit & 63)) }
  }
}
