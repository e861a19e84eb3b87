import MeteoRASafetensors

/// How tokens become text: a factory of the states that one decoding needs.
protocol TokenDecoder: Sendable {
  func makeState() -> any TokenDecoderState
}

/// One decoding under way: takes tokens one by one and gives text as soon as no later token can
/// change it. Decoding all at once is the same with nothing read in between.
protocol TokenDecoderState: Sendable {
  /// Takes the next token and appends what text is certain by now, as whole characters of UTF-8.
  mutating func append(_ token: ArraySlice<UInt8>, to text: inout [UInt8])
  /// Appends what was held back.
  mutating func finish(to text: inout [UInt8])
}

/// `ByteLevel`: characters of the alphabet back to bytes, over the borders of tokens.
///
/// A token with a character outside the alphabet stands for its own UTF-8. Bytes that are no UTF-8
/// become U+FFFD, see ``UTF8Text``; only the beginning of a character is ever held back.
struct ByteLevelDecoder: TokenDecoder {
  func makeState() -> any TokenDecoderState { State() }

  private struct State: TokenDecoderState {
    private var pending: [UInt8] = []

    mutating func append(_ token: ArraySlice<UInt8>, to text: inout [UInt8]) {
      let isOfAlphabet = token.withUnsafeBufferPointer {
        ByteLevelAlphabet.appendBytes(of: $0, to: &pending)
      }
      if !isOfAlphabet { pending += token }
      let held = pending.withUnsafeBufferPointer { UTF8Text.appendRepaired($0, to: &text) }
      pending.removeFirst(pending.count - held)
    }

    mutating func finish(to text: inout [UInt8]) {
      if !pending.isEmpty { text += UTF8Text.replacement }
      pending = []
    }
  }
}

/// No decoder: the tokens as they are, with a space between two of them.
struct JoiningDecoder: TokenDecoder {
  func makeState() -> any TokenDecoderState { State() }

  private struct State: TokenDecoderState {
    private var isFirst = true

    mutating func append(_ token: ArraySlice<UInt8>, to text: inout [UInt8]) {
      if !isFirst { text.append(UInt8(ascii: " ")) }
      isFirst = false
      text += token
    }

    mutating func finish(to text: inout [UInt8]) {}
  }
}
