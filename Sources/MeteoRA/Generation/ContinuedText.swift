import MeteoRATokenizers

/// The text that new tokens add to a prompt's, as they come.
///
/// The prompt's ids go through the decoder too: what a token adds can depend on those before it,
/// such as the space that a first word does not show. Special tokens add nothing. All pieces joined
/// are the text of the answer; a stop string and what follows it are never part of a piece, and
/// what could be the beginning of one is held back until it is known.
///
/// ```swift
/// var text = ContinuedText(after: prompt, stopStrings: stopStrings)
/// for try await token in model.tokens(continuing: [prompt], stopStrings: stopStrings) {
///   show(text.append(token.id))
/// }
/// show(text.finish())
/// ```
public struct ContinuedText: Sendable {
  private var decoder: StreamDecoder
  private var filter: StopStringFilter
  private let stopTokens: Set<Int>
  /// The end of the prompt's text if the decoder still holds it back, as bytes may follow that make
  /// another text of it: Llama 2 has no token but a byte's for a line feed.
  private var heldOfPrompt: [UInt8]

  /// Text without stop strings.
  public init(after prompt: [Int], tokenizer: Tokenizer) {
    self.init(after: prompt, tokenizer, StopStringFilter([]), stopTokens: [])
  }

  /// Text that ends before a stop string.
  public init(after prompt: [Int], stopStrings: StopStrings) {
    self.init(
      after: prompt, stopStrings.tokenizer, stopStrings.filter, stopTokens: stopStrings.tokens)
  }

  private init(
    after prompt: [Int], _ tokenizer: Tokenizer, _ filter: StopStringFilter, stopTokens: Set<Int>
  ) {
    decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    for id in prompt { _ = decoder.append(id) }
    var ended = decoder
    heldOfPrompt = Array(ended.finish().utf8)
    self.filter = filter
    self.stopTokens = stopTokens
  }

  /// Whether a stop string ended the text: there is no more from then on.
  public var isStopped: Bool { filter.isStopped }

  /// Bytes of the text so far that no piece had, because a stop string may begin there.
  package var heldByteCount: Int { filter.heldByteCount }

  /// Takes the next id.
  ///
  /// - Returns: The text that is certain by now and was not returned before; often empty.
  public mutating func append(_ id: Int) -> String {
    if !isStopped, stopTokens.contains(id) {
      let last = filter.append(withoutPrompt(decoder.finish()))
      return String(decoding: last + filter.stop(), as: UTF8.self)
    }
    let text = decoder.append(id)
    return String(decoding: filter.append(withoutPrompt(text)), as: UTF8.self)
  }

  /// Ends the text; an unfinished character becomes U+FFFD, which can complete a stop string.
  ///
  /// - Returns: What was held back.
  public mutating func finish() -> String {
    let text = decoder.finish()
    let last = filter.append(withoutPrompt(text))
    return String(decoding: last + filter.finish(), as: UTF8.self)
  }

  /// Leaves out the end of the prompt's text, unless it became another.
  private mutating func withoutPrompt(_ text: String) -> Substring.UTF8View {
    let bytes = text[...].utf8
    if bytes.isEmpty || heldOfPrompt.isEmpty { return bytes }
    defer { heldOfPrompt = [] }
    if bytes.starts(with: heldOfPrompt) { return bytes.dropFirst(heldOfPrompt.count) }
    // Byte tokens that make no text together are a U+FFFD each, those of the prompt too.
    let replaced = heldOfPrompt.flatMap { _ in "\u{FFFD}".utf8 }
    return bytes.starts(with: replaced) ? bytes.dropFirst(replaced.count) : bytes
  }
}
