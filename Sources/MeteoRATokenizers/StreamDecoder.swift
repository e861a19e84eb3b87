/// Turns ids into text one at a time, as a model generates them.
///
/// All that ``append(_:)`` and ``finish()`` return, joined, is what
/// ``Tokenizer/decode(_:skipSpecialTokens:)`` gives for the same ids. A piece never ends inside a
/// character: what a later id could still change is held back.
///
/// ```swift
/// var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
/// for id in ids { show(decoder.append(id)) }
/// show(decoder.finish())
/// ```
public struct StreamDecoder: Sendable {
  private let backend: any TokenizerBackend
  private let skipsSpecialTokens: Bool
  private var decoder: any TokenizerBackendDecoder

  init(backend: any TokenizerBackend, skipsSpecialTokens: Bool) {
    self.backend = backend
    self.skipsSpecialTokens = skipsSpecialTokens
    decoder = backend.makeDecoder(skipSpecialTokens: skipsSpecialTokens)
  }

  /// Takes the next id; an unknown one adds nothing.
  ///
  /// - Returns: The text that is certain by now and was not returned before; often empty.
  public mutating func append(_ id: Int) -> String {
    var text: [UInt8] = []
    decoder.append(id, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Ends the text; an unfinished character becomes U+FFFD. The decoder can then begin anew.
  ///
  /// - Returns: What was held back.
  public mutating func finish() -> String {
    var text: [UInt8] = []
    decoder.finish(to: &text)
    decoder = backend.makeDecoder(skipSpecialTokens: skipsSpecialTokens)
    return String(decoding: text, as: UTF8.self)
  }
}
