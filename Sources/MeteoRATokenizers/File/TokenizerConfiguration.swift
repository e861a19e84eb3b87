import Foundation
import MeteoRASafetensors

/// What a `tokenizer_config.json` beside a `tokenizer.model` says of special tokens.
struct TokenizerConfiguration: Sendable {
  /// Whether the token that begins a text is added; `nil` if the file does not say.
  private(set) var addsBegin: Bool?
  /// Whether the token that ends a text is added; `nil` if the file does not say.
  private(set) var addsEnd: Bool?
  /// The token that begins a text; `nil` if the file does not say.
  private(set) var begin: [UInt8]?
  /// The token that ends a text; `nil` if the file does not say.
  private(set) var end: [UInt8]?

  /// What holds without such a file.
  init() {}

  /// Reads the file of a folder, if there is one. Fields that are not of interest here are skipped:
  /// the file holds settings of one Python library.
  init(folder: URL) throws(TokenizerError) {
    let url = folder.appendingPathComponent("tokenizer_config.json", isDirectory: false)
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let root = try TokenizerField(contentsOf: url)
    addsBegin = try root.optional("add_bos_token")?.bool()
    addsEnd = try root.optional("add_eos_token")?.bool()
    begin = try Self.token(try root.optional("bos_token"))
    end = try Self.token(try root.optional("eos_token"))
  }

  /// A token is a string, or an object with its text in `content`.
  private static func token(_ field: TokenizerField?) throws(TokenizerError) -> [UInt8]? {
    guard let field else { return nil }
    return field.value.kind == .object
      ? try field.required("content").utf8() : try field.utf8()
  }
}
