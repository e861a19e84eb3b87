import MeteoRA
import MeteoRATokenizers

extension MeteoRAModel {
  /// The tokenizer of the base folder, or `nil` if there is none and nobody needs it.
  ///
  /// - Parameter isNeeded: Whether the prompt is text.
  /// - Throws: `MeteoRAError` if there is one that is not supported, ``CommandFailure`` if one is
  ///   needed and there is none.
  func tokenizer(isNeeded: Bool) throws -> Tokenizer? {
    if hasTokenizer { return try loadTokenizer() }
    guard !isNeeded else {
      throw CommandFailure(
        "\(files.base.path): has neither tokenizer.json nor tokenizer.model to read the prompt with; "
          + "give --prompt-ids or --prompt-ids-file")
    }
    return nil
  }
}
