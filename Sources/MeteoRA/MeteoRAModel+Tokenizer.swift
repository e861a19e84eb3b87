import MeteoRATokenizers

extension MeteoRAModel {
  /// Loads the tokenizer in the base model's folder.
  ///
  /// A model runs without one; everything that takes ids does not need it.
  ///
  /// - Throws: ``MeteoRAError/tokenizer(_:)`` if there is none, or it is not supported.
  public func loadTokenizer() throws(MeteoRAError) -> Tokenizer {
    do throws(TokenizerError) {
      return try Tokenizer(contentsOf: files.base)
    } catch {
      throw .tokenizer(error)
    }
  }
}
