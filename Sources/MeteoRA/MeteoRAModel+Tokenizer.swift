import MeteoRASafetensors
import MeteoRATokenizers

extension MeteoRAModel {
  /// Whether the base model's folder has a `tokenizer.json` or a `tokenizer.model`, be it one that
  /// cannot be taken.
  package var hasTokenizer: Bool {
    ["tokenizer.json", "tokenizer.model"].contains { name in
      FileStatus.isThere(files.base.appendingPathComponent(name))
    }
  }

  /// Loads the tokenizer in the base model's folder.
  ///
  /// A model runs without one; everything that takes ids does not need it.
  ///
  /// - Throws: ``MeteoRAError/tokenizer(_:)`` if there is none, or it is not supported.
  public func loadTokenizer() throws(MeteoRAError) -> Tokenizer {
    do throws(TokenizerError) {
      return try Tokenizer(folder: files.base)
    } catch {
      throw .tokenizer(error)
    }
  }
}
