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
      var tokens = [Array(token)]
      for index in single.indices {
        var next: [[UInt8]] = []
        for token in tokens { single[index].append(token, to: &next) }
        tokens = next
      }
      join(tokens, to: &text)
    }

    mutating func finish(to text: inout [UInt8]) {
      var tokens: [[UInt8]] = []
      for index in single.indices {
        var next: [[UInt8]] = []
        for token in tokens { single[index].append(token, to: &next) }
        single[index].finish(to: &next)
        tokens = next
      }
      join(tokens, to: &text)
      var rest: [UInt8] = []
      byteLevel?.finish(to: &rest)
      write(rest[...], to: &text)
      if last.isEmpty { return }
      tokens = [whole]
      for step in last {
        var state = DecoderStepState(step)
        var next: [[UInt8]] = []
        for token in tokens { state.append(token, to: &next) }
        state.finish(to: &next)
        tokens = next
      }
      for token in tokens { text += token }
      whole = []
    }

    private mutating func join(_ tokens: [[UInt8]], to text: inout [UInt8]) {
      for token in tokens {
        if byteLevel == nil {
          write(token[...], to: &text)
        } else {
          var decoded: [UInt8] = []
          byteLevel?.append(token[...], to: &decoded)
          write(decoded[...], to: &text)
        }
      }
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
