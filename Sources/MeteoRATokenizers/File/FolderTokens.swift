// FolderTokens: what the files beside a tokenizer.model say of tokens and spaces.
//
//   tokenizer_config.json     added_tokens_decoder     ids and tokens with flags
//   added_tokens.json         tokens and ids           ┐ read only where tokenizer_config.json
//   special_tokens_map.json   bos_token, …             ┘ has no added_tokens_decoder
//   tokenizer_config.json     bos_token, …, additional_special_tokens, extra_special_tokens
//
// They are read as Transformers 4.57 reads them where no tokenizer.json is.

import Foundation
import MeteoRASafetensors

/// The tokens that the files of a folder name, and the settings that go with them.
struct FolderTokens {
  /// What `tokenizer_class` says.
  private enum TokenizerClass {
    case unsaid, llama
    case other([UInt8])
  }

  /// What the same files say of the tokens that begin and end a text.
  private(set) var configuration: TokenizerConfiguration
  /// The tokens that have an id, ascending.
  private(set) var numbered: [TokenDefinition] = []
  /// The special tokens in the order in which new ones are numbered.
  private(set) var special: [TokenDefinition] = []
  /// Whether every text between two added tokens gets a ▁ in front, not only the first.
  private(set) var isLegacy = true
  /// Whether there is a ▁ in front at all.
  private(set) var addsPrefixSpace = true
  private var tokenizerClass = TokenizerClass.unsaid
  private var splitsSpecialTokens: TokenizerField?

  /// Reads the files of a folder, as far as they are there.
  init(folder: URL, configuration: TokenizerConfiguration) throws(TokenizerError) {
    self.configuration = configuration
    let main = try Self.file("tokenizer_config.json", of: folder)
    if let main { try readSettings(main) }
    var map: TokenizerField?
    let entries = try main?.optional("added_tokens_decoder")
    if let entries {
      for (key, value) in try entries.members() {
        let field = entries.member(value)
        let digits = key.string ?? ""
        guard let id = Int(digits), Vocabulary.idBounds.contains(id), String(id) == digits else {
          throw field.malformed(
            "field '\(field.value.path)' has the id '\(printable(digits))', expected an integer "
              + "from 0 to \(Vocabulary.idBounds.upperBound)")
        }
        if field.value.kind != .object { throw field.mismatch(expected: "an object") }
        numbered.append(try TokenDefinition(field, id: id))
      }
    } else {
      map = try Self.file("special_tokens_map.json", of: folder)
    }
    try readSpecial(main: main, map: map)
    if entries == nil, let file = try Self.file("added_tokens.json", of: folder) {
      for (key, value) in try file.members() {
        let field = file.member(value)
        numbered.append(
          TokenDefinition(
            content: key.utf8 ?? [], id: try field.integer(in: Vocabulary.idBounds),
            isSpecial: false, isNormalized: true, place: field))
      }
    }
    // A token is special if any field calls it so; then added_tokens.json means it as it stands.
    let specialContents = Set(special.map(\.content))
    for index in numbered.indices where specialContents.contains(numbered[index].content) {
      numbered[index].isSpecial = true
      if entries == nil { numbered[index].isNormalized = false }
    }
    numbered.sort { ($0.id ?? 0) < ($1.id ?? 0) }
    // What added_tokens_decoder says of the flags holds for the tokens with a field of their own.
    if entries != nil {
      let contents = Set(numbered.map(\.content))
      special.removeAll { $0.hasOwnField && contents.contains($0.content) }
    }
  }

  private static func file(
    _ name: String, of folder: URL
  ) throws(TokenizerError) -> TokenizerField? {
    let url = folder.appendingPathComponent(name, isDirectory: false)
    guard FileStatus.isThere(url) else { return nil }
    let root = try TokenizerField(contentsOf: url)
    _ = try root.members()
    return root
  }

  private mutating func readSettings(_ file: TokenizerField) throws(TokenizerError) {
    if let name = try file.optional("tokenizer_class") {
      let isLlama = ["LlamaTokenizer", "LlamaTokenizerFast"].contains { name.value.equals($0) }
      tokenizerClass = isLlama ? .llama : .other(try name.utf8())
    }
    isLegacy = try file.bool("legacy", standard: true)
    // Other than "legacy", null is false here.
    addsPrefixSpace = try file.bool(
      "add_prefix_space", standard: file.value["add_prefix_space"] == nil)
    if try file.bool("split_special_tokens", standard: false) {
      splitsSpecialTokens = try file.optional("split_special_tokens")
    }
  }

  /// Reads the fields that name special tokens; those of the map hold, if both files have one.
  private mutating func readSpecial(
    main: TokenizerField?, map: TokenizerField?
  ) throws(TokenizerError) {
    let names: [(name: String, standard: String?)] = [
      ("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>"), ("sep_token", nil),
      ("pad_token", nil), ("cls_token", nil), ("mask_token", nil),
    ]
    for (name, standard) in names {
      let isOfMap = map?.value[name] != nil
      let file = isOfMap ? map : main
      if let field = try file?.optional(name) {
        special.append(try TokenDefinition(special: field, isOfMap: isOfMap, hasOwnField: true))
      } else if let standard, file?.value[name] == nil {
        special.append(.standard(standard))
      }
    }
    if let map {
      if map.value["bos_token"] != nil {
        configuration.begin = try TokenizerConfiguration.token("bos_token", of: map)
      }
      if map.value["eos_token"] != nil {
        configuration.end = try TokenizerConfiguration.token("eos_token", of: map)
      }
    }
    for (file, isOfMap) in [(main, false), (map, true)] {
      guard let field = try file?.optional("additional_special_tokens") else { continue }
      for element in try field.elements() {
        special.append(try TokenDefinition(special: element, isOfMap: isOfMap, hasOwnField: false))
      }
    }
    if let extra = try main?.optional("extra_special_tokens") {
      for (_, value) in try extra.members() {
        special.append(
          try TokenDefinition(special: extra.member(value), isOfMap: false, hasOwnField: false))
      }
    }
    special.removeAll { $0.content.isEmpty }
  }

  // MARK: Whether they hold

  /// Whether texts are encoded as Transformers' class for Llama does it, and not as SentencePiece
  /// does: if the class is Llama's, or no class is named and the model lacks a token.
  ///
  /// - Parameter source: The name of the model file in errors.
  func decide(
    over vocabulary: SentencePieceVocabulary, of source: String
  ) throws(TokenizerError) -> Bool {
    let missing = (numbered + special).first {
      $0.place != nil && vocabulary.id(of: $0.content) == nil
    }
    switch tokenizerClass {
    case .unsaid:
      if missing == nil { return false }
    case .other(let name):
      let isCodeLlama = name.starts(with: "CodeLlamaTokenizer".utf8)
      if missing == nil && !isCodeLlama { return false }
      let token = missing.map { ", whose token '\(printable($0.content))' it lacks," } ?? ""
      throw .unsupported(
        source: source,
        feature: "the tokenizer_class '\(printable(name))' of tokenizer_config.json\(token)",
        alternative: "LlamaTokenizer is, and every class saved with a tokenizer.json")
    case .llama: break
    }
    if let splitsSpecialTokens {
      throw splitsSpecialTokens.unsupported(
        "\"split_special_tokens\": true", alternative: "false is")
    }
    return true
  }
}
