import Foundation
import MeteoRASafetensors

/// What a `tokenizer_config.json` beside a tokenizer says of the tokens that begin and end a text.
struct TokenizerConfiguration: Sendable {
  /// A token that the file may name.
  enum Token: Sendable {
    case unsaid
    /// The file says `null`.
    case none
    case named([UInt8])
  }

  /// Whether the class is one of Llama's, which put these tokens around a text by themselves,
  /// whatever the post-processor of a `tokenizer.json` would do.
  var isLlama = false
  /// Whether the token that begins a text is added; `nil` if the file does not say.
  private(set) var addsBegin: Bool?
  /// Whether the token that ends a text is added; `nil` if the file does not say.
  private(set) var addsEnd: Bool?
  /// The token that begins a text.
  var begin = Token.unsaid
  /// The token that ends a text.
  var end = Token.unsaid

  /// What holds without such a file.
  init() {}

  /// Reads the file of a folder, if there is one. Fields that are not of interest here are skipped:
  /// the file holds settings of one Python library.
  init(folder: URL) throws(TokenizerError) {
    let url = folder.appendingPathComponent("tokenizer_config.json", isDirectory: false)
    guard FileStatus.isThere(url) else { return }
    let root = try TokenizerField(contentsOf: url)
    if let name = try root.optional("tokenizer_class") {
      _ = try name.utf8()
      isLlama = [
        "LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "CodeLlamaTokenizerFast",
      ].contains { name.value.equals($0) }
    }
    addsBegin = try Self.flag("add_bos_token", of: root)
    addsEnd = try Self.flag("add_eos_token", of: root)
    begin = try Self.token("bos_token", of: root)
    end = try Self.token("eos_token", of: root)
  }

  /// A flag that is `null` counts as false, other than one that is not there.
  private static func flag(
    _ name: String, of root: TokenizerField
  ) throws(TokenizerError) -> Bool? {
    if let field = try root.optional(name) { return try field.bool() }
    return try root.members().contains { key, _ in key.equals(name) } ? false : nil
  }

  /// A token is a string, or an object with its text in `content`.
  static func token(
    _ name: String, of root: TokenizerField
  ) throws(TokenizerError) -> Token {
    guard let field = try root.optional(name) else {
      return try root.members().contains { key, _ in key.equals(name) } ? .none : .unsaid
    }
    return .named(
      field.value.kind == .object ? try field.required("content").utf8() : try field.utf8())
  }

  // MARK: Ids

  /// The ids of the two tokens in a vocabulary.
  ///
  /// - Parameters:
  ///   - source: The name of the tokenizer's file in errors.
  ///   - standard: The ids where this file does not say.
  ///   - id: The id of a token.
  func ids(
    in source: String, standard: (begin: Int?, end: Int?), id: ([UInt8]) -> Int?
  ) throws(TokenizerError) -> (begin: Int?, end: Int?) {
    func found(
      _ name: String, _ token: Token, _ standard: Int?
    ) throws(TokenizerError) -> Int? {
      switch token {
      case .unsaid: return standard
      case .none: return nil
      case .named(let text):
        if let id = id(text) { return id }
        throw .malformed(
          source: source,
          problem:
            "has no token '\(printable(text))', which tokenizer_config.json names as \(name)")
      }
    }
    return (
      try found("bos_token", begin, standard.begin), try found("eos_token", end, standard.end)
    )
  }

  /// The error that a token is to be added which nobody names.
  static func nothingToAdd(_ name: String, source: String) -> TokenizerError {
    .malformed(
      source: source,
      problem: "has no token for add_\(name) of tokenizer_config.json, expected that file to name "
        + "one as \(name)")
  }
}
