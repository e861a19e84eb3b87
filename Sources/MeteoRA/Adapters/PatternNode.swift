/// A reason why a text is no pattern, as it ends the sentence "target_modules '…' …".
struct PatternProblem: Error, Equatable {
  var text: String
}

/// A pattern as a tree.
indirect enum PatternNode: Sendable {
  case bytes(ByteSet)
  case start
  case end
  /// Between a word character and another, or not.
  case boundary(Bool)
  case sequence([PatternNode])
  case choice([PatternNode])
  case repeated(PatternNode, atLeast: Int, atMost: Int?)
  case lookahead(PatternNode, isNegated: Bool)
}

extension PatternNode {
  /// What the last bytes of every path that matches have to be, the last first, as far as it is
  /// easy to tell.
  func ending(_ extent: PathPattern.Extent) -> [ByteSet] {
    switch (self, extent) {
    // Without a `$` behind, or behind one of the branches alone.
    case (_, .layerList), (.choice, .endAfterDot): return []
    default: break
    }
    var sets: [ByteSet] = []
    _ = addEnding(to: &sets)
    return sets
  }

  /// - Returns: Whether the bytes before are those of what stands before the node.
  private func addEnding(to sets: inout [ByteSet]) -> Bool {
    switch self {
    case .bytes(let set):
      sets.append(set)
      return true
    // They take no byte. What else they ask for makes fewer paths match.
    case .start, .end, .boundary, .lookahead:
      return true
    case .sequence(let items):
      return items.reversed().allSatisfy { $0.addEnding(to: &sets) }
    case .choice, .repeated:
      return false
    }
  }
}
