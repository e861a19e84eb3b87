import MeteoRATokenizers

/// Strings that end an answer as soon as its text holds one of them.
///
/// The text is what the new tokens add to the prompt's, without special tokens: a stop string may
/// begin and end anywhere inside tokens, and never begins in the prompt. It is compared byte by byte
/// in UTF-8, so that "é" and "e" with an accent are different strings. The match that ends first
/// counts; of several that end there, the longest. The token that completes it is the last one, and
/// its sequence ends with `FinishReason.stopString`, also where the token is an end-of-sequence id or
/// the last one allowed.
public struct StopStrings: Sendable {
  let tokenizer: Tokenizer
  let filter: StopStringFilter

  /// - Parameters:
  ///   - strings: None of them empty; without any nothing ends.
  ///   - tokenizer: The model's.
  /// - Throws: ``MeteoRAError/emptyStopString(index:)``.
  public init(_ strings: [String], tokenizer: Tokenizer) throws(MeteoRAError) {
    if let index = strings.firstIndex(where: \.utf8.isEmpty) {
      throw .emptyStopString(index: index)
    }
    self.tokenizer = tokenizer
    filter = StopStringFilter(strings.map { Array($0.utf8) })
  }
}
