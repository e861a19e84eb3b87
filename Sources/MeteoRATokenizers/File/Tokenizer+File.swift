import Foundation

extension Tokenizer {
  /// Reads a tokenizer from a `tokenizer.json` file, or from the folder that holds it.
  ///
  /// - Throws: ``TokenizerError`` with the file and the place if the file cannot be read, is broken,
  ///   contradicts itself, or has a feature that is not supported.
  public convenience init(contentsOf url: URL) throws(TokenizerError) {
    self.init(try TokenizerPipeline(try TokenizerField(contentsOf: url)))
  }

  /// Reads a tokenizer from the bytes of a `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - json: The whole file.
  ///   - source: The name that errors give the file.
  /// - Throws: As ``init(contentsOf:)``.
  public convenience init(
    json: [UInt8], source: String = "tokenizer.json"
  ) throws(TokenizerError) {
    self.init(try TokenizerPipeline(try TokenizerField(json: json, source: source)))
  }
}
