import Foundation
import MeteoRATokenizers

/// Strings that end an answer as soon as its text holds one of them.
///
/// The text is what the new tokens add to the prompt's, without special tokens: a stop string may
/// begin and end anywhere inside tokens, and never begins in the prompt. It is compared byte by
/// byte in UTF-8, so that "é" and "e" with an accent are different strings. The match that ends
/// first counts; of several that end there, the longest. The token that completes it is the last
/// one, and its sequence ends with `FinishReason.stopString`, also where the token is an
/// end-of-sequence id or the last one allowed.
///
/// The text of a special token, such as `<|eot_id|>`, as a stop string stands for the token too.
public struct StopStrings: Sendable {
  let tokenizer: Tokenizer
  let filter: StopStringFilter
  /// Special tokens that end an answer, though they add nothing to its text.
  let tokens: Set<Int>

  /// - Parameters:
  ///   - strings: None of them empty; without any nothing ends.
  ///   - tokenizer: The model's.
  /// - Throws: ``MeteoRAError/emptyStopString(index:)``, and
  ///   ``MeteoRAError/mixedStopString(index:token:)`` for one that holds a special token
  ///   beside other text: the token adds nothing to a text.
  public init(_ strings: [String], tokenizer: Tokenizer) throws(MeteoRAError) {
    if let index = strings.firstIndex(where: \.utf8.isEmpty) {
      throw .emptyStopString(index: index)
    }
    var tokens: Set<Int> = []
    let special = strings.isEmpty ? [] : (0..<tokenizer.idBound).filter(tokenizer.isSpecial)
    for id in special {
      guard let token = tokenizer.token(of: id), !token.utf8.isEmpty else { continue }
      for (index, string) in strings.enumerated() {
        if string.utf8.elementsEqual(token.utf8) {
          tokens.insert(id)
        } else if Data(string.utf8).range(of: Data(token.utf8)) != nil {
          throw .mixedStopString(index: index, token: token)
        }
      }
    }
    self.tokenizer = tokenizer
    self.tokens = tokens
    filter = StopStringFilter(strings.map { Array($0.utf8) })
  }
}
