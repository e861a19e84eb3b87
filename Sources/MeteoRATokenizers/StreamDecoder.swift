/// Turns ids into text one at a time, as a model generates them.
///
/// All that ``append(_:)`` and ``finish()`` return, joined, is what ``Tokenizer/decode(_:skipSpecialTokens:)``
/// gives for the same ids. A piece never ends inside a character: what a later id could still
/// change is held back.
///
/// ```swift
/// var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
/// for id in ids { show(decoder.append(id)) }
/// show(decoder.finish())
/// ```
public struct StreamDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  private var state: any TokenDecoderState

  init(tokenizer: Tokenizer, skipsSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
    state = tokenizer.decoder.makeState()
  }

  /// Takes the next id; an unknown one adds nothing.
  ///
  /// - Returns: The text that is certain by now and was not returned before; often empty.
  public mutating func append(_ id: Int) -> String {
    var text: [UInt8] = []
    append(id, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Ends the text; an unfinished character becomes U+FFFD. The decoder can then begin anew.
  ///
  /// - Returns: What was held back.
  public mutating func finish() -> String {
    var text: [UInt8] = []
    finish(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  mutating func append(_ id: Int, to text: inout [UInt8]) {
    guard let token = tokenizer.utf8(of: id) else { return }
    if skipsSpecialTokens && tokenizer.isSpecial(id) { return }
    state.append(token, to: &text)
  }

  mutating func finish(to text: inout [UInt8]) {
    state.finish(to: &text)
    state = tokenizer.decoder.makeState()
  }
}
