import MeteoRASafetensors

/// Reads the field `added_tokens`.
///
/// As in the library, a token that the model has keeps the model's id, and the others are numbered
/// from the size of the vocabulary in the order of the file; the field `id` is the same in a
/// well-formed file. Tokens without content are left out.
///
/// - Parameter normalizer: Rewrites the contents of tokens that are looked for in normalized text.
func readAddedTokens(
  _ field: TokenizerField?, vocabulary: Vocabulary, normalizer: (any Normalizer)?
) throws(TokenizerError) -> [AddedToken] {
  guard let field else { return [] }
  var tokens: [AddedToken] = []
  var fileIDs: Set<Int> = []
  var contents: Set<[UInt8]> = []
  var nextID = vocabulary.count
  var patternBytes = 0
  for entry in try field.elements() {
    try entry.refuseMembers(otherThan: [
      "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special",
    ])
    let content = try entry.required("content").utf8()
    let fileID = try entry.required("id")
    if !fileIDs.insert(try fileID.integer(in: Vocabulary.idBounds)).inserted {
      throw fileID.mismatch(expected: "an id that no earlier entry has")
    }
    if content.count > AddedToken.longestContent {
      throw entry.unsupported(
        "\(entry.value.path).content of \(content.count) bytes",
        alternative: "at most \(AddedToken.longestContent) are")
    }
    let isSpecial = try entry.required("special").bool()
    let isNormalized = try entry.required("normalized").bool()
    let pattern = isNormalized ? normalizer?.normalize(content) ?? content : content
    if pattern.count > AddedToken.longestContent {
      throw entry.unsupported(
        "\(entry.value.path).content of \(pattern.count) bytes after the normalizer",
        alternative: "at most \(AddedToken.longestContent) are")
    }
    // The library then looks for the empty text, and finds it everywhere.
    if pattern.isEmpty && !content.isEmpty {
      throw entry.unsupported(
        "\(entry.value.path).content '\(printable(content))', of which the normalizer leaves "
          + "nothing,",
        alternative: "\"normalized\": false is")
    }
    patternBytes += pattern.count
    if patternBytes > AddedToken.longestContents {
      throw field.unsupported(
        "added_tokens whose contents have more than \(AddedToken.longestContents) bytes in all",
        alternative: "fewer are")
    }
    let known = vocabulary.id(of: content)
    let token = AddedToken(
      id: known ?? UInt32(truncatingIfNeeded: nextID),
      content: content,
      pattern: pattern,
      isSpecial: isSpecial,
      isNormalized: isNormalized,
      stripsLeft: try entry.required("lstrip").bool(),
      stripsRight: try entry.required("rstrip").bool(),
      isSingleWord: try entry.required("single_word").bool())
    if content.isEmpty { continue }
    if !contents.insert(content).inserted {
      throw entry.malformed(
        "\(entry.value.path) has the content '\(printable(content))' of an earlier entry, "
          + "expected each content once")
    }
    if known == nil, let taken = vocabulary.token(of: nextID) {
      throw entry.malformed(
        "\(entry.value.path) '\(printable(content))' takes the next free id \(nextID), which "
          + "model.vocab gives to '\(printable(taken))'")
    }
    if known == nil && !Vocabulary.idBounds.contains(nextID) {
      throw entry.malformed(
        "\(entry.value.path) '\(printable(content))' takes the next free id \(nextID), "
          + "expected at most \(Vocabulary.idBounds.upperBound)")
    }
    tokens.append(token)
    nextID = max(nextID, Int(token.id) + 1)
  }
  return tokens
}
