import MeteoRASafetensors

/// Numbers the tokens that the files beside a `tokenizer.model` define, and joins what they say of
/// the same token.
///
/// Transformers numbers new tokens from the size of the model on, whatever ids its files give;
/// files that give other ids are refused here.
struct FolderTokenNumbering {
  private struct Entry {
    let id: UInt32
    var definition: TokenDefinition
  }

  private let vocabulary: SentencePieceVocabulary
  private let source: String
  private var entries: [Entry] = []
  private var indices: [[UInt8]: Int] = [:]
  /// The number of tokens of the model and the new ones.
  private(set) var count: Int

  /// Begins with the control pieces and user-defined symbols of a model.
  init(_ vocabulary: SentencePieceVocabulary, source: String) throws(TokenizerError) {
    self.vocabulary = vocabulary
    self.source = source
    count = vocabulary.count
    for (id, type) in vocabulary.types.enumerated() where type == .control || type == .userDefined {
      try define(
        TokenDefinition(
          content: Array(vocabulary.texts[id]), id: nil, isSpecial: type == .control,
          isNormalized: false, place: nil))
    }
  }

  /// Takes the tokens of the files, in the library's order.
  mutating func define(_ tokens: FolderTokens) throws(TokenizerError) {
    for token in tokens.numbered {
      if let id = token.id { try check(token, id: id) }
      try define(token)
    }
    for token in tokens.special { try define(token) }
  }

  private mutating func define(_ token: TokenDefinition) throws(TokenizerError) {
    if let index = indices[token.content] {
      if !token.keepsKnown { Self.redefine(&entries[index].definition, as: token) }
      return
    }
    let known = vocabulary.id(of: token.content)
    indices[token.content] = entries.count
    entries.append(Entry(id: known ?? UInt32(count), definition: token))
    if known == nil { count += 1 }
  }

  /// The library keeps looking for a token as it stands that it once was told to look for so, and
  /// does not forget that it was special; of the other flags the last hold.
  private static func redefine(_ first: inout TokenDefinition, as last: TokenDefinition) {
    var joined = last
    joined.isNormalized = first.isNormalized && (first.isSpecial || last.isNormalized)
    joined.isSpecial = first.isSpecial || last.isSpecial
    first = joined
  }

  private func check(_ token: TokenDefinition, id: Int) throws(TokenizerError) {
    let known =
      indices[token.content].map { Int(entries[$0].id) }
      ?? vocabulary.id(of: token.content).map { Int($0) }
    if known == id || (known == nil && id == count && !token.content.isEmpty) { return }
    let name = "'\(printable(token.content))'"
    let problem: String
    if token.content.isEmpty {
      problem = "has a token without text, expected at least one character"
    } else if let known {
      problem = "gives \(name) the id \(id), expected \(known), which it has already"
    } else if let taken = vocabulary.type(of: id) == nil ? nil : vocabulary.texts[id] {
      problem = "gives \(name) the id \(id), which \(source) gives to '\(printable(taken))'"
    } else {
      problem = "gives \(name) the id \(id), expected \(count), the next free one"
    }
    throw .malformed(
      source: token.place?.source ?? source,
      problem: "field '\(token.place?.value.path ?? "")' \(problem)")
  }

  /// The tokens, with what is looked for in a text.
  ///
  /// - Parameter normalizer: Rewrites the tokens that are looked for in normalized text.
  func addedTokens(
    normalizer: (any Normalizer)?
  ) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    var patternBytes = 0
    for entry in entries {
      let token = entry.definition
      let pattern =
        token.isNormalized ? normalizer?.normalize(token.content) ?? token.content : token.content
      if pattern.count > AddedToken.longestContent {
        throw .unsupported(
          source: token.place?.source ?? source,
          feature: "an added token of \(pattern.count) bytes after the normalizer",
          alternative: "at most \(AddedToken.longestContent) are")
      }
      patternBytes += pattern.count
      if patternBytes > AddedToken.longestContents {
        throw .unsupported(
          source: token.place?.source ?? source,
          feature: "a list of added tokens of more than \(AddedToken.longestContents) bytes in all",
          alternative: "fewer are")
      }
      tokens.append(
        AddedToken(
          id: entry.id, content: token.content, pattern: pattern, isSpecial: token.isSpecial,
          isNormalized: token.isNormalized, stripsLeft: token.stripsLeft,
          stripsRight: token.stripsRight, isSingleWord: token.isSingleWord))
    }
    return tokens
  }
}
