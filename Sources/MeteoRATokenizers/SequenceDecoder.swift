// SequenceDecoder: `Sequence` of decoder steps, one token at a time.
//
//   token ─▶ steps before the first that joins ─▶ join ─▶ steps after it, on the whole text
//
// What the steps after the join can still change is held back: nothing but a few scalars at the
// begin for `Strip` without `stop`, which is what Llama's files have, and everything for others.

/// Several decoders one after the other.
struct SequenceDecoder: TokenDecoder {
  let steps: [DecoderStep]

  func makeState() -> any TokenDecoderState { State(steps) }

  private struct State: TokenDecoderState {
    /// The steps before the first that joins all tokens.
    private var single: [DecoderStepState]
    /// That step, if it is ByteLevel; `Fuse` needs no more than to write the tokens.
    private var byteLevel: (any TokenDecoderState)?
    private var begin: BeginStrip?
    /// The steps after the join that need the whole text, and the text.
    private let last: [DecoderStep]
    private var whole: [UInt8] = []

    init(_ steps: [DecoderStep]) {
      let join = steps.firstIndex { $0.joins } ?? steps.count
      single = steps[..<join].map(DecoderStepState.init)
      var rest = steps[join...]
      if case .byteLevel? = rest.first { byteLevel = ByteLevelDecoder().makeState() }
      rest = rest.dropFirst()
      if case .strip(let content, let start, 0)? = rest.first {
        begin = BeginStrip(content: content, left: start)
        rest = rest.dropFirst()
      }
      last = Array(rest)
    }

    mutating func append(_ token: ArraySlice<UInt8>, to text: inout [UInt8]) {
      pass(Array(token), from: 0, to: &text)
    }

    /// Takes a token through the steps from one on, and then to the join.
    private mutating func pass(_ token: [UInt8], from first: Int, to text: inout [UInt8]) {
      var token = token
      for index in first..<single.count {
        if single[index].holds(token) { return }
        for held in single[index].takeHeld(isEnd: false) {
          pass(held, from: index + 1, to: &text)
        }
        token = single[index].mapped(token)
      }
      if byteLevel == nil {
        write(token[...], to: &text)
      } else {
        var decoded: [UInt8] = []
        byteLevel?.append(token[...], to: &decoded)
        write(decoded[...], to: &text)
      }
    }

    mutating func finish(to text: inout [UInt8]) {
      for index in single.indices {
        for held in single[index].takeHeld(isEnd: true) { pass(held, from: index + 1, to: &text) }
      }
      var rest: [UInt8] = []
      byteLevel?.finish(to: &rest)
      write(rest[...], to: &text)
      if last.isEmpty { return }
      for token in Self.tokens(of: whole, by: last) { text += token }
      whole = []
    }

    /// What the steps after the join make of the whole text.
    private static func tokens(of whole: [UInt8], by steps: [DecoderStep]) -> [[UInt8]] {
      var tokens = [whole]
      for step in steps {
        var state = DecoderStepState(step)
        var next: [[UInt8]] = []
        for token in tokens where !state.holds(token) {
          next += state.takeHeld(isEnd: false)
          next.append(state.mapped(token))
        }
        next += state.takeHeld(isEnd: true)
        tokens = next
      }
      return tokens
    }

    private mutating func write(_ part: ArraySlice<UInt8>, to text: inout [UInt8]) {
      let kept = begin?.strip(part) ?? part
      if last.isEmpty { text += kept } else { whole += kept }
    }
  }
}

/// `Strip` at the begin of a text that comes in parts, which never end inside a scalar.
private struct BeginStrip: Sendable {
  let content: [UInt8]
  /// How many scalars may still be removed.
  var left: Int

  mutating func strip(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = part
    while left > 0, !rest.isEmpty {
      if rest.starts(with: content) {
        rest = rest.dropFirst(content.count)
        left -= 1
      } else {
        left = 0
      }
    }
    return rest
  }
}
