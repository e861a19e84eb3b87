import MeteoRATokenizers

extension MeteoRAModel {
  /// Loads the tokenizer in the base model's folder.
  ///
  /// A model runs without one; everything that takes ids does not need it.
  ///
  /// - Throws: `TokenizerError` if there is none, or it is not supported.
  public func loadTokenizer() throws(TokenizerError) -> Tokenizer {
    try Tokenizer(contentsOf: files.base)
  }
}
