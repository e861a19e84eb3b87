import MeteoRATokenizers

/// The text that new tokens add to a prompt's, as they come.
///
/// The prompt's ids go through the decoder too: what a token adds can depend on those before it, such
/// as the space that a first word does not show. Without a tokenizer the ids themselves are shown,
/// with commas between them.
struct ContinuedText {
  private var decoder: StreamDecoder?
  private var isFirst = true

  init(after prompt: [Int], tokenizer: Tokenizer?) {
    decoder = tokenizer?.makeStreamDecoder(skipSpecialTokens: true)
    for id in prompt { _ = decoder?.append(id) }
  }

  /// The text that is certain with one more id; may be empty.
  mutating func append(_ id: Int) -> String {
    guard decoder != nil else {
      defer { isFirst = false }
      return isFirst ? "\(id)" : ",\(id)"
    }
    return decoder?.append(id) ?? ""
  }

  /// What was held back.
  mutating func finish() -> String { decoder?.finish() ?? "" }

  /// The whole text of some new ids; `nil` without a tokenizer.
  static func text(of ids: [Int], after prompt: [Int], tokenizer: Tokenizer?) -> String? {
    guard tokenizer != nil else { return nil }
    var text = ContinuedText(after: prompt, tokenizer: tokenizer)
    return ids.map { text.append($0) }.joined() + text.finish()
  }
}
